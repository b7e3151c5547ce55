"""Who may see which account."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from kalshi.errors import Forbidden
from kalshi.models import Account, ApiToken, Grant, VirtualKey
from kalshi.services import access

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    return get_user_model().objects.create_user("ann")


@pytest.fixture
def default() -> Account:
    return Account.objects.get(from_environment=True)


@pytest.fixture
def fund() -> Account:
    return Account.objects.create(slug="fund", label="The fund", environment="demo")


def grant(user: Any, account: Account, role: str = "viewer") -> None:
    Grant.objects.create(user=user, account=account, role=role)


def test_without_a_grant_nothing_is_seen(ann: Any, default: Account) -> None:
    assert access.accounts(ann) == []
    with pytest.raises(Forbidden):
        access.choose(ann, None, None)
    with pytest.raises(Forbidden):
        access.choose(ann, None, "default")


def test_an_unknown_account_and_one_not_granted_are_refused_in_the_same_words(
    ann: Any, fund: Account
) -> None:
    refusals = []
    for slug in ("fund", "nowhere"):
        with pytest.raises(Forbidden) as refused:
            access.choose(ann, None, slug)
        refusals.append(refused.value.message)
    assert refusals[0] == refusals[1]


def test_the_only_granted_account_needs_no_name(ann: Any, fund: Account) -> None:
    grant(ann, fund)
    assert access.choose(ann, None, None) == fund


def test_the_default_account_answers_those_who_see_several(ann: Any, default: Account, fund: Account) -> None:
    grant(ann, fund)
    grant(ann, default)
    assert access.choose(ann, None, None) == default
    assert access.choose(ann, None, "fund") == fund


def test_the_default_account_is_that_of_the_environment_whatever_it_is_called(
    ann: Any, default: Account, fund: Account
) -> None:
    grant(ann, fund)
    grant(ann, default)
    Account.objects.filter(pk=default.pk).update(slug="main")
    Account.objects.filter(pk=fund.pk).update(slug="default")
    assert access.choose(ann, None, None) == default


def test_whoever_sees_several_but_not_the_default_must_name_one(ann: Any, fund: Account) -> None:
    grant(ann, fund)
    grant(ann, Account.objects.create(slug="own", label="Own", environment="demo"))
    with pytest.raises(Forbidden, match="fund, own"):
        access.choose(ann, None, None)


def test_an_account_that_is_switched_off_is_seen_by_nobody(ann: Any, fund: Account) -> None:
    grant(ann, fund)
    Account.objects.filter(pk=fund.pk).update(enabled=False)
    root = get_user_model().objects.create_superuser("root")
    assert access.accounts(ann) == []
    assert fund not in access.accounts(root)


def test_a_credential_opens_its_own_account_only(ann: Any, default: Account, fund: Account) -> None:
    grant(ann, default)
    grant(ann, fund)
    for credential in (ApiToken(user=ann, account=fund), VirtualKey(user=ann, account=fund)):
        assert access.choose(ann, credential, None) == fund
        with pytest.raises(Forbidden):
            access.choose(ann, credential, "default")


def test_a_credential_is_worth_nothing_without_its_owners_grant(ann: Any, fund: Account) -> None:
    for credential in (ApiToken(user=ann, account=fund), VirtualKey(user=ann, account=fund)):
        with pytest.raises(Forbidden):
            access.choose(ann, credential, None)


@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        (None, []),
        ("viewer", ["viewer"]),
        ("operator", ["viewer", "operator"]),
        ("owner", ["viewer", "operator", "owner"]),
    ],
)
def test_each_role_may_do_what_those_before_it_may(
    ann: Any, fund: Account, held: str | None, allowed: list[str]
) -> None:
    if held:
        grant(ann, fund, held)
    assert [needed for needed in access.ROLES if access.may(ann, fund, needed)] == allowed


def test_a_superuser_owns_every_account_and_an_inactive_person_none(ann: Any, fund: Account) -> None:
    grant(ann, fund, "owner")
    ann.is_active = False
    ann.save()
    assert access.role(ann, fund) is None
    assert access.accounts(ann) == []
    assert access.role(get_user_model().objects.create_superuser("root"), fund) == "owner"


def test_settings_for_all_are_changed_by_operators_of_the_default_account(
    ann: Any, default: Account, fund: Account
) -> None:
    grant(ann, fund, "owner")
    assert not access.is_operator(ann)
    grant(ann, default, "operator")
    assert access.is_operator(ann)


def test_a_key_may_read_the_operations_it_names_or_all(ann: Any, fund: Account) -> None:
    assert access.may_read(VirtualKey(account=fund), "get_balance")
    narrow = VirtualKey(account=fund, operations=["get_markets"])
    assert access.may_read(narrow, "get_markets")
    assert not access.may_read(narrow, "get_balance")
    assert access.may_read(ApiToken(), "get_balance")
