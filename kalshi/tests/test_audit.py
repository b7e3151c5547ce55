"""What the audit log tells, that nobody can change it, and how it leaves as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

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

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen_addresses.forget()


@pytest.fixture
def stranger(django_user_model: Any) -> Any:
    """Somebody without a grant."""
    return django_user_model.objects.create_user("ada", password="a long password")


@pytest.fixture
def admin(django_user_model: Any) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.force_login(django_user_model.objects.create_superuser("root", password="a long password"))
    return client


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
    assert (last(Action.TOKEN_MADE).target, last(Action.TOKEN_REVOKED).target) == ("notebook of ada",) * 2
    assert token not in str(last(Action.TOKEN_MADE).details)

    account = Account.objects.get(slug=DEFAULT_SLUG)
    key = VirtualKey.objects.create(user=user, account=account, label="bot", key_type="rsa", public_key="PEM")
    for field, value in (
        ("blocked", True),
        ("blocked", False),
        ("label", "b"),
        ("revoked_at", timezone.now()),
    ):
        setattr(key, field, value)
        key.save()
    wanted = [
        Action.KEY_MADE,
        Action.KEY_BLOCKED,
        Action.KEY_UNBLOCKED,
        Action.KEY_CHANGED,
        Action.KEY_REVOKED,
    ]
    told = (
        AuditEvent.objects.filter(action__startswith="key-").order_by("id").values_list("action", flat=True)
    )
    assert list(told) == wanted


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
    assert last(Action.NEW_ADDRESS).target == f"token:{token[:15]}"
    assert last(Action.NEW_ADDRESS).actor == "ada"

    seen_addresses.forget()  # as another process
    ask("192.0.2.1")
    assert len(events(Action.NEW_ADDRESS)) == 2


def test_a_known_address_costs_no_query(django_assert_num_queries: Any) -> None:
    seen_addresses.note_use("key:1", "192.0.2.1")
    with django_assert_num_queries(0):
        seen_addresses.note_use("key:1", "192.0.2.1")
        seen_addresses.note_use("key:1", "no address")
        seen_addresses.note_use("key:1", None)


def test_the_addresses_of_a_credential_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_addresses, "MAX_ADDRESSES", 2)
    for number in range(4):
        seen_addresses.note_use("key:1", f"192.0.2.{number}")
    assert SeenAddress.objects.count() == 2
    assert len(events(Action.NEW_ADDRESS)) == 4


def test_a_failing_database_refuses_nobody_and_the_next_use_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(seen_addresses, "_write", fail)
        seen_addresses.note_use("key:1", "192.0.2.1")
    seen_addresses.note_use("key:1", "192.0.2.1")
    assert len(events(Action.NEW_ADDRESS)) == 1


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


def test_the_admin_shows_the_log_and_offers_no_change(admin: Client) -> None:
    event = record(Action.SIGNED_OUT, actor="ada", target="ada")
    html = admin.get("/admin/kalshi/auditevent/").content.decode()
    assert "sign-out" in html
    assert admin.get("/admin/kalshi/auditevent/add/").status_code == 403
    assert admin.post(f"/admin/kalshi/auditevent/{event.pk}/change/", {"actor": "x"}).status_code == 403
    assert admin.post(f"/admin/kalshi/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403


# CSV


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_log_is_exported_for_owners_and_nobody_else(admin: Client, stranger: Any) -> None:
    other = Client()
    assert other.get("/audit.csv").status_code == 302
    other.force_login(stranger)
    assert other.get("/audit.csv").status_code == 403
    grant = Grant.objects.create(
        user=stranger, account=Account.objects.get(slug=DEFAULT_SLUG), role=Grant.Role.OWNER
    )
    assert other.get("/audit.csv").status_code == 200
    Account.objects.create(slug="second", label="Second")
    assert other.get("/audit.csv").status_code == 403
    grant.delete()

    answer = admin.get("/audit.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    told = rows(answer.getvalue().decode())
    assert [row["action"] for row in told][-1] == "grant-taken"
    assert len(told) == AuditEvent.objects.count()


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_the_export_is_a_formula(admin: Client, name: str) -> None:
    record(Action.SIGN_IN_FAILED, actor="", target=name)
    told = rows(admin.get("/audit.csv").getvalue().decode())
    assert told[-1]["target"] == f"'{name}"


def test_the_command_prints_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    record(Action.SIGNED_OUT, actor="ada", target="ada\x1b[2J", address="192.0.2.1")
    record(Action.SIGNED_IN, actor="bob", target="bob")
    call_command("audit", csv=True, action="sign-out")
    assert [row["actor"] for row in rows(capsys.readouterr().out)] == ["ada"]

    call_command("audit", action="sign-out")
    assert "ada  sign-out  ada?[2J  192.0.2.1" in capsys.readouterr().out

    tomorrow = (timezone.now() + timedelta(days=1)).date().isoformat()
    call_command("audit", since=tomorrow)
    assert capsys.readouterr().out == ""
    call_command("audit", until=tomorrow, action="sign-in")
    assert "bob" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--since is 'soon'; allowed: a date"):
        call_command("audit", since="soon")
