"""Who sees, gives, changes and takes the grants of an account on its page."""

from __future__ import annotations

from typing import Any

import pytest

from kalshi.models import Account, Grant
from kalshi.tests.admin.conftest import World

OF_ACCOUNT = {"label": "Our fund", "slug": "ours", "environment": "demo", "enabled": "on"}


def address(account: Account) -> str:
    return f"/admin/kalshi/account/{account.pk}/change/"


def held(account: Account) -> set[tuple[str, str]]:
    return set(Grant.objects.filter(account=account).values_list("user__username", "role"))


def form(*rows: tuple[Grant, dict[str, str]]) -> dict[str, Any]:
    """The page as the browser sends it back, with what was changed in the given grants."""
    found: dict[str, Any] = OF_ACCOUNT | {"grants-TOTAL_FORMS": len(rows), "grants-INITIAL_FORMS": len(rows)}
    for number, (grant, changed) in enumerate(rows):
        fields = {"id": grant.pk, "account": grant.account_id, "role": grant.role} | changed
        found |= {f"grants-{number}-{name}": value for name, value in fields.items()}
    return found


@pytest.fixture
def grants(world: World) -> list[Grant]:
    return list(Grant.objects.filter(account=world.ours["account"]))


@pytest.mark.parametrize("role", ["superuser", "owner", "operator"])
def test_who_may_see_an_account_stands_on_its_page(world: World, role: str) -> None:
    text = world.client(role).get(address(world.ours["account"])).content.decode()
    for name in ("member", "shut"):
        assert f'value="{name}"' in text or f">{name}<" in "".join(text.split()), name
    assert ">other<" not in text and 'value="other"' not in text


def test_an_owner_takes_a_grant_and_changes_another(world: World, grants: list[Grant], sealing: None) -> None:
    account = world.ours["account"]
    change = {"member": {"DELETE": "on"}, "viewer": {"role": "operator"}}
    rows = [(grant, change.get(grant.user.username, {})) for grant in grants]
    answer = world.client("owner").post(address(account), form(*rows))
    assert answer.status_code == 302
    expected = {("viewer", "operator"), ("operator", "operator"), ("owner", "owner"), ("shut", "owner")}
    assert held(account) == expected


def test_an_operator_takes_no_grant_and_changes_none(world: World, grants: list[Grant]) -> None:
    account = world.ours["account"]
    before = held(account)
    for changed in ({"DELETE": "on"}, {"role": "owner"}):
        world.client("operator").post(address(account), form(*((grant, changed) for grant in grants)))
        assert held(account) == before


def test_an_owner_takes_no_grant_of_another_account(world: World, sealing: None) -> None:
    theirs, ours = world.theirs["account"], world.ours["account"]
    before = held(theirs)
    (grant,) = Grant.objects.filter(account=theirs)
    client = world.client("owner")
    for changed in ({"DELETE": "on"}, {"role": "viewer"}, {"DELETE": "on", "account": str(ours.pk)}):
        for account in (ours, theirs):
            answer = client.post(address(account), form((grant, changed)))
            assert answer.status_code == (302 if account == theirs else 200)  # away, or an error in the form
            assert held(theirs) == before


def test_an_operator_of_one_account_and_owner_of_another_takes_grants_of_the_second_only(
    world: World, sealing: None
) -> None:
    """Rights of one account must not stand in for those of another."""
    theirs = world.theirs["account"]
    Grant.objects.create(user=world.people["owner"], account=theirs, role="operator")
    before = held(theirs)
    rows = [(grant, {"DELETE": "on"}) for grant in Grant.objects.filter(account=theirs)]
    world.client("owner").post(address(theirs), form(*rows))
    assert held(theirs) == before
    assert 'value="other"' not in world.client("owner").get(address(theirs)).content.decode()
