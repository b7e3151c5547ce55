"""Keys of accounts at rest: what seals them, what happens when it is lost, and how it is renewed."""

from __future__ import annotations

import io
import sqlite3
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.management import CommandError, call_command

from kalshi import conf
from kalshi.accounts import ring as rings
from kalshi.accounts.ring import WrongRing
from kalshi.errors import ConfigError, NoCredentials
from kalshi.models import Account
from kalshi.services import account_keys, engine, read
from kalshi.tests.private_keys import new_pem
from kalshi.upstream import params
from kalshi.upstream.endpoints import ENDPOINTS

KEY_ID = "7d1f2a9e-1111-4000-8000-00000000beef"


@pytest.fixture
def ring_file(exchange: Any, settings: Any, tmp_path: Path) -> Path:
    """Where the ring is made on first need."""
    path = tmp_path / "key_ring"
    settings.KALSHI = settings.KALSHI | {"KEY_RING_FILE": path}
    return path


def sealed(slug: str = "fund", key_id: str = KEY_ID) -> Account:
    account = Account(slug=slug, label=slug, environment="demo", key_id=key_id)
    account_keys.seal(account, new_pem())
    account.save()
    return account


def opens(account: Account) -> bool:
    account.refresh_from_db()
    try:
        return account_keys.credentials_of(account, conf.setup()).key_id == account.key_id
    except NoCredentials:
        return False


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_ring_is_made_on_first_need_for_its_owner_alone(ring_file: Path) -> None:
    assert not ring_file.exists()
    assert opens(sealed())
    assert stat.S_IMODE(ring_file.stat().st_mode) == 0o600


def test_a_ring_that_others_can_read_is_refused(ring_file: Path) -> None:
    account = sealed()
    ring_file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        account_keys.credentials_of(account, conf.setup())


def test_the_row_holds_nothing_of_the_key(ring_file: Path) -> None:
    pem = new_pem()
    account = Account(slug="fund", label="fund", environment="demo", key_id=KEY_ID)
    account_keys.seal(account, pem)
    body = pem.splitlines()[1]
    assert body not in account.sealed_key
    assert KEY_ID not in account.sealed_key


def test_what_is_no_key_is_not_sealed(ring_file: Path) -> None:
    account = Account(slug="fund", label="fund", environment="demo", key_id=KEY_ID)
    with pytest.raises(ConfigError):
        account_keys.seal(account, "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----")
    assert account.sealed_key == ""


def test_a_key_moved_to_another_account_or_key_id_is_refused(ring_file: Path) -> None:
    one, other = sealed("one"), sealed("other")
    Account.objects.filter(pk=other.pk).update(sealed_key=one.sealed_key)
    assert not opens(other)
    Account.objects.filter(pk=one.pk).update(key_id="another-id")
    assert not opens(one)


def test_without_its_ring_an_account_answers_503_and_says_why_in_the_log(
    ring_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    account = sealed()
    ring_file.unlink()
    call = params.validate(ENDPOINTS["get_balance"], [], {}, api=True)
    with pytest.raises(NoCredentials) as refused:
        read.read(call, account=account)
    assert refused.value.status == 503
    assert str(ring_file) not in refused.value.message
    assert "There is no key ring" in caplog.text and str(ring_file) in caplog.text


def test_an_account_can_be_read_again_once_its_ring_is_back(
    ring_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = sealed()
    away = ring_file.rename(ring_file.with_name("away"))
    assert not engine.of(account).can_sign
    away.rename(ring_file)
    monkeypatch.setattr(engine, "TRY_AGAIN_S", 0.0)
    assert engine.of(account).can_sign


def test_no_ring_is_made_anew_while_keys_are_sealed(ring_file: Path) -> None:
    account = sealed()
    ring_file.unlink()
    with pytest.raises(WrongRing, match="none is made anew"):
        sealed("second")
    assert not ring_file.exists()
    assert account.sealed_key == Account.objects.get(slug="fund").sealed_key


def test_a_wrong_ring_seals_nothing_more_and_overwrites_nothing(ring_file: Path) -> None:
    account = sealed()
    right = ring_file.read_text()
    ring_file.write_text(rings.new_key())
    with pytest.raises(WrongRing):
        sealed("second")
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("rotate_key_ring")
    row = Account.objects.get(pk=account.pk)
    row.label = "Another label"
    row.save()
    assert not opens(account)
    ring_file.write_text(right)
    assert opens(account)


def test_the_system_check_names_an_account_whose_key_cannot_be_opened(ring_file: Path) -> None:
    sealed()
    assert checks.run_checks(databases=["default"], tags=["kalshi"]) == []
    ring_file.write_text(rings.new_key())
    found = checks.run_checks(databases=["default"], tags=["kalshi"])
    assert [one.id for one in found] == ["kalshi.W002"]
    assert "fund" in found[0].msg and "Put back" in found[0].msg


def test_rotation_loses_nothing_and_old_backups_open_still(ring_file: Path) -> None:
    accounts = [sealed("one"), sealed("two"), sealed("three")]
    before = [account.sealed_key for account in accounts]
    oldest = ring_file.read_text().split()
    assert run("rotate_key_ring").startswith("3 keys")
    assert all(map(opens, accounts))
    keys = ring_file.read_text().split()
    assert keys[1:] == oldest
    newest = rings.KeyRing(keys[:1], source="the first key")
    assert all(newest.is_newest(account.sealed_key) for account in accounts)
    Account.objects.filter(pk=accounts[0].pk).update(sealed_key=before[0])  # from a backup
    assert opens(accounts[0])
    assert "one: sealed with an older key" in run("rotate_key_ring", "--check")
    assert stat.S_IMODE(ring_file.stat().st_mode) == 0o600


def test_rotation_is_all_or_nothing(ring_file: Path) -> None:
    one, two = sealed("one"), sealed("two")
    damaged = two.sealed_key[:-8] + "AAAAAAA="
    Account.objects.filter(pk=two.pk).update(sealed_key=damaged)
    ring = ring_file.read_text()
    with pytest.raises(CommandError):
        run("rotate_key_ring")
    assert ring_file.read_text() == ring
    assert Account.objects.get(pk=one.pk).sealed_key == one.sealed_key
    with pytest.raises(CommandError, match="Not every key"):
        run("rotate_key_ring", "--check")


def test_a_ring_in_a_setting_is_rotated_by_a_new_first_key(exchange: Any, settings: Any) -> None:
    old, new = rings.new_key(), rings.new_key()
    settings.KALSHI = settings.KALSHI | {"KEY_RING": old}
    account = sealed()
    settings.KALSHI = settings.KALSHI | {"KEY_RING": f"{new}, {old}"}
    run("rotate_key_ring")
    settings.KALSHI = settings.KALSHI | {"KEY_RING": new}
    assert opens(account)


def test_a_running_process_uses_the_new_ring_after_a_rotation(ring_file: Path) -> None:
    account = sealed()
    first = engine.of(account)
    run("rotate_key_ring")
    account.refresh_from_db()
    second = engine.of(account)
    assert second is not first
    assert second.can_sign


def test_an_account_is_added_from_a_file_and_nothing_secret_is_printed(
    ring_file: Path, tmp_path: Path
) -> None:
    pem = new_pem()
    path = tmp_path / "fund.pem"
    path.write_text(pem.replace("\n", "\\n"))  # as an .env file would have it
    path.chmod(0o600)
    where = ("--environment", "demo", "--key-id", KEY_ID, "--key-file", str(path))
    printed = run("accounts", "add", "fund", "--label", "The fund", *where) + run("accounts", "list")
    assert opens(Account.objects.get(slug="fund"))
    assert "fund  demo" in printed and "can be opened" in printed
    assert KEY_ID not in printed and pem.splitlines()[1] not in printed
    with pytest.raises(CommandError, match="already exists"):
        run("accounts", "add", "fund", *where)
    run("accounts", "remove", "fund")
    assert not Account.objects.filter(slug="fund").exists()


def test_an_account_is_added_from_standard_input(ring_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(new_pem().encode())))
    run("accounts", "add", "fund", "--environment", "demo", "--key-id", KEY_ID)
    assert opens(Account.objects.get(slug="fund"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "No Slug", "--environment", "demo", "--key-id", "x"), "Lower-case letters"),
        (("add", "own", "--environment", "sandbox", "--key-id", "x"), "no such exchange"),
        (("remove", "default"), "environment"),
        (("remove", "nobody"), "no account 'nobody'"),
        (("grant", "default", "--user", "nobody"), "no user 'nobody'"),
    ],
)
def test_the_accounts_command_says_what_is_wrong(
    ring_file: Path, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        run("accounts", *arguments)


def pieces(text: str) -> set[str]:
    """Whatever somebody who finds it could use: runs of the PEM's body and whole ring keys."""
    return {line for line in text.split() if len(line) >= 24 and "-----" not in line}


def test_a_dump_of_the_database_holds_no_usable_key(exchange: Any, settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "key_ring"
    settings.KALSHI = settings.KALSHI | {"KEY_RING_FILE": path}
    pem = new_pem()
    account = Account(slug="fund", label="fund", environment="demo", key_id=KEY_ID)
    account_keys.seal(account, pem)
    account.save()
    dump = dumped()
    assert account.sealed_key in dump
    assert [found for found in pieces(pem) | pieces(path.read_text()) if found in dump] == []


def dumped() -> str:
    """The whole database as SQL."""
    from django.db import connection

    connection.ensure_connection()
    assert isinstance(connection.connection, sqlite3.Connection)
    return "\n".join(connection.connection.iterdump())
