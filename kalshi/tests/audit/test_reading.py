"""Who reads the audit log: in the admin, as CSV and by command."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from kalshi.models import (
    Account,
    AuditEvent,
    Grant,
)
from kalshi.models.accounts import DEFAULT_SLUG
from kalshi.services import costly
from kalshi.services.audit import Action, record
from kalshi.services.audit_export import csv_lines
from kalshi.tests.epochs import FAR_OFF

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [Grant.Role.OPERATOR, Grant.Role.OWNER])
def test_who_operates_an_account_reads_what_happened_to_it_and_what_they_did(
    stranger: Any, role: str
) -> None:
    fund, other = (Account.objects.create(slug=slug, label=slug) for slug in ("fund", "other"))
    Grant.objects.create(user=stranger, account=fund, role=role)
    for actor, account in (
        ("root", fund),
        ("root", other),
        ("root", None),
        (stranger, None),
        (stranger, other),
    ):
        record(Action.CACHE_PURGED, actor=actor, account=account, target=f"{actor} {account or ''}".strip())
    client = Client()
    client.force_login(stranger)

    def purged() -> set[str]:
        told = rows(client.get("/audit.csv?action=cache-purged").getvalue().decode())
        return {row["target"] for row in told}

    assert purged() == {"root fund", "ada", "ada other"}
    html = client.get("/admin/kalshi/auditevent/?action=cache-purged").content.decode()
    assert "root fund" in html and "root other" not in html
    Grant.objects.filter(user=stranger).update(role=Grant.Role.VIEWER)
    assert client.get("/audit.csv").status_code == 403


@pytest.mark.parametrize("is_of_old_version", [False, True])
def test_a_person_who_gets_the_name_of_another_does_not_inherit_their_past(
    stranger: Any, is_of_old_version: bool
) -> None:
    fund, other = (Account.objects.create(slug=slug, label=slug) for slug in ("fund", "other"))
    name = stranger.get_username()
    actor = name if is_of_old_version else stranger
    record(Action.CACHE_PURGED, actor=actor, account=other, target="of the old one")
    stranger.delete()
    new = get_user_model().objects.create_user(name)
    record(Action.CACHE_PURGED, actor=new, account=other, target="of the new one")
    Grant.objects.create(user=new, account=fund, role=Grant.Role.OPERATOR)
    client = Client()
    client.force_login(new)
    for now in (name, "renamed"):
        new.username = now
        new.save()
        told = rows(client.get("/audit.csv?action=cache-purged").getvalue().decode())
        assert {row["target"] for row in told} == {"of the new one"}
    html = client.get("/admin/kalshi/auditevent/?action=cache-purged").content.decode()
    assert "of the new one" in html and "of the old one" not in html


def test_nobodys_events_belong_to_nobody(stranger: Any) -> None:
    fund = Account.objects.create(slug="fund", label="Fund")
    Grant.objects.create(user=stranger, account=fund, role=Grant.Role.OPERATOR)
    record(Action.SIGN_IN_FAILED, actor="", target="somebody")
    client = Client()
    client.force_login(stranger)
    assert "somebody" not in client.get("/audit.csv").getvalue().decode()


def test_an_account_that_gets_the_name_of_another_does_not_inherit_its_past(stranger: Any) -> None:
    first = Account.objects.create(slug="fund", label="First")
    record(Action.CACHE_PURGED, actor="root", account=first, target="long ago")
    first.delete()
    second = Account.objects.create(slug="fund", label="Second")
    Grant.objects.create(user=stranger, account=second, role=Grant.Role.OWNER)
    client = Client()
    client.force_login(stranger)
    told = rows(client.get("/audit.csv").getvalue().decode())
    assert "long ago" not in {row["target"] for row in told}
    assert {row["account"] for row in told} == {"fund", ""}


def test_the_log_is_filtered_by_account_under_all_its_names(admin: Client) -> None:
    fund, other = (Account.objects.create(slug=slug, label=slug) for slug in ("fund", "other"))
    record(Action.CACHE_PURGED, actor="root", account=fund, target="under the old name")
    record(Action.CACHE_PURGED, actor="root", account=other, target="of the other")
    fund.slug = "macro"
    fund.save()
    for path in ("/admin/kalshi/auditevent/?account=macro", "/audit.csv?account=macro"):
        answer = admin.get(path)
        text = (answer.getvalue() if answer.streaming else answer.content).decode()
        assert "under the old name" in text and "of the other" not in text, path
    assert "/audit.csv?account=macro" in admin.get("/admin/kalshi/auditevent/?account=macro").content.decode()
    other.delete()
    assert "other (removed)" in admin.get("/admin/kalshi/auditevent/").content.decode()


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


def test_the_log_is_exported_for_those_who_read_it_in_the_admin(admin: Client, stranger: Any) -> None:
    other = Client()
    assert other.get("/audit.csv").status_code == 302
    other.force_login(stranger)
    assert other.get("/audit.csv").status_code == 403
    grant = Grant.objects.create(
        user=stranger, account=Account.objects.get(slug=DEFAULT_SLUG), role=Grant.Role.OWNER
    )
    record(Action.SIGNED_OUT, actor="eve", target="eve")

    def exported() -> list[str]:
        return [row["actor"] for row in rows(other.get("/audit.csv").getvalue().decode())]

    assert "eve" in exported()  # ada owns every account
    Account.objects.create(slug="second", label="Second")
    assert "eve" not in exported() and exported()
    grant.delete()

    answer = admin.get("/audit.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    told = rows(answer.getvalue().decode())
    assert [row["action"] for row in told][-1] == "grant-taken"
    assert len(told) == AuditEvent.objects.count()


def test_the_export_is_cut_to_a_time(admin: Client) -> None:
    record(Action.SIGNED_OUT, actor="eve", target="eve")
    at = AuditEvent.objects.get(actor="eve").at

    def actors(**query: str) -> list[str]:
        return [row["actor"] for row in rows(admin.get("/audit.csv", query).getvalue().decode())]

    moment, later = at.isoformat(), (at + timedelta(microseconds=1)).replace(tzinfo=None).isoformat()
    assert actors(since=moment, until=later) == ["eve"]
    assert "eve" not in actors(until=moment)
    assert "eve" not in actors(since=later)
    assert actors(since=FAR_OFF.date().isoformat()) == []


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("text", ["soon", "2026-02-31", "0001-01-01T00:00+23:59", "1"])
def test_a_time_that_cannot_be_read_is_told(admin: Client, name: str, text: str) -> None:
    answer = admin.get("/audit.csv", {name: text})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert answer.json()["error"].startswith(f"{name} is ")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n", "'\n"),
        ("＝1", "'＝1"),
        ("ada;=1", "ada;'=1"),
        ('ada;"=1', "ada;\"'=1"),
        ("ada; =1", "ada; '=1"),
        ("ada,=1", "ada,'=1"),
        ("ada\n@x", "ada\n'@x"),
        ("ada@x.example;b-c", "ada@x.example;b-c"),
    ],
)
def test_no_cell_of_the_export_is_a_formula(admin: Client, name: str, shown: str) -> None:
    record(Action.SIGN_IN_FAILED, actor="", target=name)
    told = rows(admin.get("/audit.csv").getvalue().decode())
    assert told[-1]["target"] == shown


@given(cells=st.lists(st.text(alphabet=" \"';,|\t\r\n=+-@＝a1\x00", max_size=8), min_size=1, max_size=3))
def test_it_is_none_whichever_separator_the_reader_takes(cells: list[str]) -> None:
    events = [AuditEvent(at=FAR_OFF, actor=cell, target=cell, details={cell: cell}) for cell in cells]
    text = "".join(csv_lines(events))
    for separator in ",;\t|":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for cell in row:
                assert cell.lstrip(' "\t\r\n\x00')[:1] not in tuple("=+-@＝"), (separator, cell)


def test_the_command_prints_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    record(Action.SIGNED_OUT, actor="ada", target="ada\x1b[2J", address="192.0.2.1")
    record(Action.SIGNED_IN, actor="bob", target="bob")
    call_command("audit", csv=True, action="sign-out")
    assert [row["actor"] for row in rows(capsys.readouterr().out)] == ["ada"]

    call_command("audit", action="sign-out")
    assert "ada  sign-out  ada?[2J  192.0.2.1" in capsys.readouterr().out

    record(Action.CACHE_PURGED, account=Account.objects.get(slug=DEFAULT_SLUG), target="get_balance")
    call_command("audit", account=DEFAULT_SLUG)
    lines = capsys.readouterr().out.splitlines()
    assert lines and all("account default" in line for line in lines)

    later = FAR_OFF.date().isoformat()
    call_command("audit", since=later)
    assert capsys.readouterr().out == ""
    call_command("audit", until=later, action="sign-in")
    assert "bob" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--since is 'soon'; allowed: a date"):
        call_command("audit", since="soon")


def test_who_has_too_many_exports_under_way_is_refused_and_each_ends_with_its_answer(
    admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costly.work, "_begin_s", 0.0)
    under_way = [admin.get("/audit.csv") for _ in range(costly.PER_CALLER)]
    refused = admin.get("/audit.csv")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused["Retry-After"]) >= 1
    for answer in under_way:
        answer.close()
    assert rows(admin.get("/audit.csv").getvalue().decode())
