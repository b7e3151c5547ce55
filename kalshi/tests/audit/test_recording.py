"""What the audit log tells, and that nobody can change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client

from kalshi.models import (
    Account,
    ApiToken,
    AuditEvent,
    EndpointPolicy,
    Grant,
    SeenAddress,
    VirtualKey,
    append_only,
)
from kalshi.models.accounts import DEFAULT_SLUG
from kalshi.services import seen_addresses
from kalshi.services.audit import Action, record
from kalshi.tests.epochs import LONG_AGO

pytestmark = pytest.mark.django_db


def key_of(user: Any, account: Account) -> VirtualKey:
    return VirtualKey.objects.create(
        user=user, account=account, label="bot", key_type="rsa", public_key="PEM"
    )


@pytest.fixture
def key(stranger: Any) -> VirtualKey:
    return key_of(stranger, Account.objects.get(slug=DEFAULT_SLUG))


def events(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))


def last(action: Action) -> AuditEvent:
    found = AuditEvent.objects.filter(action=action).first()
    assert found is not None, action
    return found


# Who, what and from where


def test_a_setting_changed_in_the_admin_is_told_with_both_values(admin: Client) -> None:
    row, _ = EndpointPolicy.objects.get_or_create(operation="get_balance")
    form = {"fresh_s": "7", "keep_s": "", "patience_s": "0.5", "enabled": "on"}
    answer = admin.post(f"/admin/kalshi/endpointpolicy/{row.pk}/change/", form)
    assert answer.status_code == 302
    event = last(Action.ENDPOINT_CHANGED)
    assert (event.actor, event.target, event.address) == ("root", "get_balance", "192.0.2.7")
    assert event.request_id == answer["X-Request-ID"]
    assert event.details == {
        "fresh_s": {"before": None, "after": 7},
        "patience_s": {"before": None, "after": 0.5},
    }


def test_saving_without_a_change_is_no_event() -> None:
    row, _ = EndpointPolicy.objects.get_or_create(operation="get_balance")
    row.save()
    assert events(Action.ENDPOINT_CHANGED) == []


def test_grants_are_told_when_given_changed_and_taken(stranger: Any) -> None:
    account = Account.objects.get(slug=DEFAULT_SLUG)
    grant = Grant.objects.create(user=stranger, account=account)
    grant.role = Grant.Role.OWNER
    grant.save()
    grant.delete()
    given, changed, taken = (
        last(action) for action in (Action.GRANT_GIVEN, Action.GRANT_CHANGED, Action.GRANT_TAKEN)
    )
    assert given.target == changed.target == taken.target == "ada on default"
    assert given.details["role"] == "viewer"
    assert changed.details["role"] == {"before": "viewer", "after": "owner"}


def test_an_account_is_told_without_its_key() -> None:
    account = Account.objects.create(slug="bot", label="Bot", sealed_key="sealed-secret-1")
    account.sealed_key, account.label = "sealed-secret-2", "Robot"
    account.save()
    account.delete()
    assert last(Action.ACCOUNT_ADDED).target == "bot"
    assert last(Action.ACCOUNT_CHANGED).details == {
        "label": {"before": "Bot", "after": "Robot"},
        "sealed_key": "changed",
    }
    assert last(Action.ACCOUNT_REMOVED).target == "bot"
    assert "sealed-secret" not in str(list(AuditEvent.objects.values_list("details", flat=True)))


def test_tokens_and_virtual_keys_are_told(user: Any) -> None:
    row, token = ApiToken.objects.create(user, name="notebook")
    row.delete()
    wanted = f"notebook of ada (***{token[11:15]})"
    assert (last(Action.TOKEN_MADE).target, last(Action.TOKEN_REVOKED).target) == (wanted,) * 2
    assert token not in str(last(Action.TOKEN_MADE).details)

    account = Account.objects.get(slug=DEFAULT_SLUG)
    key = key_of(user, account)
    for field, value in (
        ("blocked", True),
        ("blocked", False),
        ("label", "b"),
        ("revoked_at", LONG_AGO),
    ):
        setattr(key, field, value)
        key.save()
    in_order = [
        Action.KEY_MADE,
        Action.KEY_BLOCKED,
        Action.KEY_UNBLOCKED,
        Action.KEY_CHANGED,
        Action.KEY_REVOKED,
    ]
    told = (
        AuditEvent.objects.filter(action__startswith="key-").order_by("id").values_list("action", flat=True)
    )
    assert list(told) == in_order


def test_people_are_told_without_their_passwords(django_user_model: Any) -> None:
    person = django_user_model.objects.create_user("eve", password="first secret")
    person.set_password("second secret")
    person.save()
    person.is_staff = True
    person.save()
    person.groups.add(Group.objects.create(name="traders"))
    assert last(Action.PASSWORD_CHANGED).details == {"password": "changed"}
    changed = [event.details for event in reversed(events(Action.PERSON_CHANGED))]
    assert changed == [{"is_staff": {"before": False, "after": True}}, {"add": {"groups": ["traders"]}}]
    person.delete()
    assert last(Action.PERSON_REMOVED).target == "eve"
    told = str(list(AuditEvent.objects.values()))
    assert "secret" not in told and "md5$" not in told


def test_signing_in_is_no_change_of_a_person(user: Any) -> None:
    Client().force_login(user)
    assert events(Action.PERSON_CHANGED) == events(Action.PASSWORD_CHANGED) == []


# Addresses


def test_a_token_used_from_a_new_address_is_told_once(token: str) -> None:
    def ask(address: str) -> None:
        answer = Client(REMOTE_ADDR=address).get("/api/v1/nothing", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert answer.status_code == 404

    for address in ("192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"):
        ask(address)
    assert [event.address for event in events(Action.NEW_ADDRESS)] == ["2001:db8::1", "192.0.2.1"]
    assert last(Action.NEW_ADDRESS).target == f"tests of ada (***{token[11:15]})"
    assert last(Action.NEW_ADDRESS).actor == "ada"
    assert token[:15] not in str(list(AuditEvent.objects.values()))

    seen_addresses.forget()  # as another process
    ask("192.0.2.1")
    assert len(events(Action.NEW_ADDRESS)) == 2


def test_addresses_of_one_ipv6_network_are_told_as_one(key: VirtualKey) -> None:
    for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::", "2001:db8:0:1::1"):
        seen_addresses.note_use(key, address)
    assert [event.address for event in events(Action.NEW_ADDRESS)] == ["2001:db8:0:1::1", "2001:db8::1"]
    assert {row.address for row in SeenAddress.objects.all()} == {"2001:db8:0:1::", "2001:db8::"}


def test_a_known_address_costs_no_query(key: VirtualKey, django_assert_num_queries: Any) -> None:
    seen_addresses.note_use(key, "192.0.2.1")
    with django_assert_num_queries(0):
        seen_addresses.note_use(key, "192.0.2.1")
        seen_addresses.note_use(key, "no address")
        seen_addresses.note_use(key, None)


def test_the_addresses_of_a_credential_are_bounded(key: VirtualKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_addresses, "MAX_ADDRESSES", 2)
    for number in range(4):
        seen_addresses.note_use(key, f"192.0.2.{number}")
    assert SeenAddress.objects.count() == 2
    assert len(events(Action.NEW_ADDRESS)) == 4


def test_a_failing_database_refuses_nobody_and_the_next_use_is_noted(
    key: VirtualKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(seen_addresses, "_write", fail)
        seen_addresses.note_use(key, "192.0.2.1")
    seen_addresses.note_use(key, "192.0.2.1")
    assert len(events(Action.NEW_ADDRESS)) == 1


# Which account


def test_what_happens_to_an_account_names_it_and_still_does_when_it_is_gone(stranger: Any) -> None:
    account = Account.objects.create(slug="fund", label="Fund")
    Grant.objects.create(user=stranger, account=account)
    ApiToken.objects.create(stranger, name="phone", account=account)
    key = key_of(stranger, account)
    seen_addresses.note_use(key, "192.0.2.1")
    account.slug = "macro"
    account.save()
    uid = account.uid
    account.delete()
    told = AuditEvent.objects.filter(account_uid=uid).order_by("id").values_list("action", "account")
    assert list(told)[:5] == [
        (Action.ACCOUNT_ADDED, "fund"),
        (Action.GRANT_GIVEN, "fund"),
        (Action.TOKEN_MADE, "fund"),
        (Action.KEY_MADE, "fund"),
        (Action.NEW_ADDRESS, "fund"),
    ]
    assert list(told)[5] == (Action.ACCOUNT_CHANGED, "macro")
    assert set(list(told)[6:]) == {
        (action, "macro")
        for action in (Action.GRANT_TAKEN, Action.TOKEN_REVOKED, Action.KEY_REVOKED, Action.ACCOUNT_REMOVED)
    }


def test_what_is_about_no_account_names_none(stranger: Any) -> None:
    ApiToken.objects.create(stranger, name="phone")
    EndpointPolicy.objects.filter(operation="get_balance").first().save()
    Client().force_login(stranger)
    assert set(AuditEvent.objects.values_list("account", "account_uid")) == {("", None)}


# Ids of keys


def test_ids_of_keys_are_masked_and_still_tell_which_key_it_was(stranger: Any) -> None:
    old, new = (f"7d1f2a9e-1111-4000-8000-00000000{end}" for end in ("beef", "c0de"))
    account = Account.objects.create(slug="fund", label="Fund", key_id=old)
    account.key_id = new
    account.save()
    key = key_of(stranger, account)
    seen_addresses.note_use(key, "192.0.2.1")
    assert last(Action.ACCOUNT_ADDED).details["key_id"] == "***beef"
    assert last(Action.ACCOUNT_CHANGED).details["key_id"] == {"before": "***beef", "after": "***c0de"}
    assert last(Action.KEY_MADE).target == f"bot of ada (***{str(key.key_id)[-4:]})"
    assert last(Action.NEW_ADDRESS).target == last(Action.KEY_MADE).target
    told = str(list(AuditEvent.objects.values("target", "details")))
    assert [key_id for key_id in (old, new, str(key.key_id)) if key_id in told] == []


def test_the_page_of_addresses_masks_ids_and_finds_them(admin: Client, key: VirtualKey) -> None:
    seen_addresses.note_use(key, "192.0.2.1")
    whole, masked = str(key.key_id), f"key ***{str(key.key_id)[-4:]}"

    def page(path: str) -> str:
        return admin.get(f"/admin/kalshi/seenaddress/{path}").content.decode()

    for path in ("", f"{SeenAddress.objects.get().pk}/change/", f"?q={whole[-4:]}"):
        assert masked in page(path) and whole not in page(path), path
    assert masked in page(f"?q={whole}")
    assert masked not in page("?q=another")


# Append-only


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event.save(),
        lambda event: event.delete(),
        lambda event: AuditEvent.objects.update(actor="nobody"),
        lambda event: AuditEvent.objects.all().delete(),
    ],
)
def test_the_orm_changes_nothing(change: Callable[[AuditEvent], object]) -> None:
    event = record(Action.SIGNED_OUT, actor="ada")
    with pytest.raises(TypeError, match="append-only"):
        change(event)


@pytest.mark.parametrize(
    "statement", ["UPDATE kalshi_auditevent SET actor = 'x'", "DELETE FROM kalshi_auditevent"]
)
def test_the_database_changes_nothing_either(statement: str) -> None:
    record(Action.SIGNED_OUT, actor="ada")
    append_only.install(connection)
    with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_database_for_tests_can_be_emptied() -> None:
    record(Action.SIGNED_OUT, actor="ada")
    call_command("flush", interactive=False, verbosity=0)
    assert events(Action.SIGNED_OUT) == []
