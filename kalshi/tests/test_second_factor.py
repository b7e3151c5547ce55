"""Second factors at rest: nothing of them can be read in the database, and what happens when their ring is lost."""

from __future__ import annotations

import base64
import sqlite3
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django_otp.oath import totp

from kalshi import conf
from kalshi.accounts import recovery
from kalshi.accounts import ring as rings
from kalshi.models import AuditEvent, Authenticator
from kalshi.services import authenticator_keys, engine, key_ring, second_factor
from kalshi.services.audit import Action

pytestmark = pytest.mark.django_db

PASSWORD = "a long password for tests"
SESSION = "a session"
PLAIN_KEY = b"12345678901234567890"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "COST", 2)
    engine.close()


@pytest.fixture
def ring_file(settings: Any, tmp_path: Path) -> Path:
    """Where the ring is made on first need."""
    path = tmp_path / "key_ring"
    settings.KALSHI = settings.KALSHI | {"KEY_RING": None, "KEY_RING_FILE": path}
    return path


def person(name: str = "ada") -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.create_user(name, password=PASSWORD)


def with_factor(name: str = "ada") -> tuple[Any, list[str]]:
    """Somebody with a second factor, and the recovery codes."""
    somebody = person(name)
    code = f"{totp(second_factor.offered(somebody, SESSION).key):06d}"
    codes = second_factor.confirm(somebody, SESSION, code)
    assert codes is not None
    return somebody, codes


def with_plain_factor() -> Any:
    """As an earlier version left it."""
    somebody = person()
    text = f"plain:{PLAIN_KEY.hex()}"
    Authenticator.objects.create(user=somebody, confirmed=True, sealed_key=text)
    return somebody


def code_of(key: bytes) -> str:
    Authenticator.objects.update(last_t=-1)
    return f"{totp(key):06d}"


def key_of(somebody: Any) -> bytes:
    return authenticator_keys.opened(Authenticator.objects.get(user=somebody), conf.setup())


def at_the_code_page(name: str = "ada") -> Client:
    client = Client()
    client.post("/sign-in/", {"username": name, "password": PASSWORD})
    return client


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def warnings() -> list[tuple[str, str]]:
    found = checks.run_checks(databases=["default"], tags=["kalshi"])
    return [(str(one.id), f"{one.msg} {one.hint}") for one in found if one.id != "kalshi.W001"]


def dumped() -> str:
    """The whole database as SQL."""
    connection.ensure_connection()
    assert isinstance(connection.connection, sqlite3.Connection)
    return "\n".join(connection.connection.iterdump())


def test_a_dump_of_the_database_holds_no_usable_secret(ring_file: Path) -> None:
    somebody, codes = with_factor()
    offered = second_factor.offered(person("eve"), SESSION).key
    dump = dumped()
    assert Authenticator.objects.get(user=somebody).sealed_key in dump
    keys = (key_of(somebody), offered)
    secrets = [spelled for key in keys for spelled in (key.hex(), base64.b32encode(key).decode())]
    secrets += [base64.b64encode(key).decode() for key in keys]
    secrets += [*codes, *(code.replace("-", "") for code in codes), *ring_file.read_text().split()]
    assert [secret for secret in secrets if secret in dump] == []


def test_two_people_with_the_same_recovery_code_have_different_hashes() -> None:
    one, other = recovery.new_salt(), recovery.new_salt()
    assert recovery.digest("abc-def", salt=one, cost=2) != recovery.digest("abc-def", salt=other, cost=2)


def test_a_key_that_is_moved_to_another_person_opens_nothing(ring_file: Path) -> None:
    somebody, _ = with_factor("ada")
    thief, _ = with_factor("eve")
    moved = Authenticator.objects.get(user=thief)
    code = code_of(key_of(thief))
    Authenticator.objects.filter(user=somebody).update(sealed_key=moved.sealed_key)
    assert at_the_code_page().post("/sign-in/code/", {"code": code}).status_code == 503
    moved.delete()
    Authenticator.objects.filter(user=somebody).update(sealed_key=moved.sealed_key, uid=moved.uid)
    assert at_the_code_page().post("/sign-in/code/", {"code": code}).status_code == 503


# Renewing the ring


def test_rotation_seals_second_factors_anew_and_they_are_good_still(ring_file: Path) -> None:
    somebody, _ = with_factor()
    key, before = key_of(somebody), Authenticator.objects.get().sealed_key
    assert "1 second factor" in run("rotate_key_ring")
    row = Authenticator.objects.get()
    newest = rings.KeyRing(ring_file.read_text().split()[:1], source="the first key")
    assert row.sealed_key != before and newest.is_newest(row.sealed_key)
    assert at_the_code_page().post("/sign-in/code/", {"code": code_of(key)})["Location"] == "/"
    Authenticator.objects.update(sealed_key=before)  # from a backup
    assert key_of(somebody) == key
    assert "second factor of ada: sealed with an older key" in run("rotate_key_ring", "--check")


def test_rotation_is_told_in_the_audit_log_without_any_key(
    ring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_factor()
    monkeypatch.setattr("sys.argv", ["manage.py", "rotate_key_ring"])
    run("rotate_key_ring", "--check")
    assert not AuditEvent.objects.filter(action=Action.KEY_RING_ROTATED).exists()
    run("rotate_key_ring")
    event = AuditEvent.objects.get(action=Action.KEY_RING_ROTATED)
    assert (event.actor, event.account, event.target) == ("", "", "key ring")
    assert event.details == {"accounts": 0, "second factors": 1, "via": "manage.py rotate_key_ring"}
    root = Client()
    root.force_login(type(person("root")).objects.create_superuser("boss"))
    assert "command line" in root.get(f"/admin/kalshi/auditevent/{event.pk}/change/").content.decode()


# A ring that is wrong, or not there


@pytest.mark.parametrize("lost", ["wrong", "missing"])
def test_with_a_wrong_ring_codes_open_nothing_and_nothing_is_overwritten(
    ring_file: Path, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    somebody, _ = with_factor()
    code, right, before = code_of(key_of(somebody)), ring_file.read_text(), dumped()
    wrong = rings.new_key()
    if lost == "wrong":
        ring_file.write_text(wrong)
    else:
        ring_file.unlink()
    client = at_the_code_page()
    answer = client.post("/sign-in/code/", {"code": code})
    text = answer.content.decode()
    assert answer.status_code == 503
    assert "key ring does not open" in text and "recovery code works" in text
    assert str(ring_file) not in text and str(ring_file) in caplog.text
    assert client.get("/").status_code == 302
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("rotate_key_ring")
    eve = Client()
    eve.force_login(person("eve"))
    assert eve.get("/you/second-factor/").status_code == 503
    assert Authenticator.objects.get() == Authenticator.objects.get(user=somebody)
    assert Authenticator.objects.get().sealed_key in before
    assert Authenticator.objects.get().throttling_failure_count == 0
    assert not AuditEvent.objects.filter(action=Action.KEY_RING_ROTATED).exists()
    assert (ring_file.read_text() if ring_file.exists() else "") == (wrong if lost == "wrong" else "")

    ring_file.write_text(right)
    ring_file.chmod(0o600)
    assert client.post("/sign-in/code/", {"code": code})["Location"] == "/"


def test_recovery_codes_need_no_ring(ring_file: Path) -> None:
    _, codes = with_factor()
    ring_file.unlink()
    assert at_the_code_page().post("/sign-in/code/", {"code": codes[0]})["Location"] == "/"


def test_the_system_check_names_a_second_factor_that_cannot_be_opened(ring_file: Path) -> None:
    with_factor()
    assert warnings() == []
    ring_file.write_text(rings.new_key())
    ((name, text),) = warnings()
    assert name == "kalshi.W002" and "second factor of ada" in text and "Put back" in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_a_ring_setting_one_up_says_what_to_set(settings: Any, method: str) -> None:
    settings.KALSHI = settings.KALSHI | {"KEY_RING": None, "KEY_RING_FILE": None}
    client = Client()
    client.force_login(person())
    answer = getattr(client, method)("/you/second-factor/", {"code": "123456", "password": PASSWORD})
    text = answer.content.decode()
    assert answer.status_code == 503
    assert "KALSHI_KEY_RING" in text and "KEY_RING_FILE" in text and "<svg" not in text.partition("</h1>")[2]
    assert not Authenticator.objects.exists()


# What an earlier version left readable


def test_a_plain_key_is_good_until_it_is_sealed_and_the_check_says_so(settings: Any, ring_file: Path) -> None:
    with_ring, without = settings.KALSHI, settings.KALSHI | {"KEY_RING_FILE": None}
    settings.KALSHI = without
    somebody = with_plain_factor()
    key_ring.seal_what_is_plain()
    assert key_of(somebody) == PLAIN_KEY
    ((name, text),) = warnings()
    assert name == "kalshi.W003" and "KALSHI_KEY_RING" in text and "rotate_key_ring" in text
    assert at_the_code_page().post("/sign-in/code/", {"code": code_of(PLAIN_KEY)})["Location"] == "/"

    settings.KALSHI = with_ring
    run("rotate_key_ring")
    assert PLAIN_KEY.hex() not in dumped()
    assert key_of(somebody) == PLAIN_KEY
    assert warnings() == []


def test_a_plain_key_is_sealed_after_a_migrate_once_there_is_a_ring(ring_file: Path) -> None:
    somebody = with_plain_factor()
    key_ring.seal_what_is_plain()
    assert Authenticator.objects.get().sealed_key.startswith("gAAAA")
    assert key_of(somebody) == PLAIN_KEY


def test_with_a_wrong_ring_a_plain_key_stays_as_it_is(ring_file: Path) -> None:
    with_factor("eve")
    with_plain_factor()
    ring_file.write_text(rings.new_key())
    key_ring.seal_what_is_plain()
    assert Authenticator.objects.get(user__username="ada").sealed_key == f"plain:{PLAIN_KEY.hex()}"


def test_the_picture_of_a_key_is_made_once(ring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make = second_factor.segno.make

    def counted(url: str, **options: Any) -> Any:
        made.append(url)
        return make(url, **options)

    monkeypatch.setattr(second_factor.segno, "make", counted)
    ada, bob = second_factor.offered(person(), "ada"), second_factor.offered(person("bob"), "bob")
    assert ada.qr_svg == second_factor.offered(ada.user, "ada").qr_svg != bob.qr_svg
    assert len(made) == len(set(made)) == 2
