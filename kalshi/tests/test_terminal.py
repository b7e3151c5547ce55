"""What others wrote (people in the admin, the exchange) can neither steer the terminal of whoever runs a command, nor
make a line of its own, nor bring a secret there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.management import call_command

from kalshi import conf
from kalshi.models import Account, AuditEvent, Grant
from kalshi.services import account_keys, account_test, engine, second_factor, verify_findings, virtual_keys
from kalshi.tests.private_keys import new_pem
from kalshi.tests.servers import Sandbox, running

STEERING = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m\r\nok    secrets: none"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bodies in this folder are the answers of the sandbox."""
    return tmp_path_factory.mktemp("replayed")


@pytest.fixture(scope="module")
def sandbox(replayed: Path) -> Iterator[Sandbox]:
    with running(lambda home: Sandbox(home, "--replay", str(replayed))) as server:
        yield server


@pytest.fixture
def configured(settings: Any, db: None, sandbox: Sandbox, replayed: Path, tmp_path: Path) -> Iterator[str]:
    """An installation in front of that sandbox; its key id."""
    credentials = {
        "KALSHI_API_KEY_ID": sandbox.key_ids["rsa"],
        "KALSHI_PRIVATE_KEY_PATH": str(sandbox.key_path("rsa")),
    }
    settings.KALSHI = {
        "ENVIRONMENT": "sandbox",
        "BASE_URL": sandbox.base_url,
        "CREDENTIALS": credentials,
        "CREDENTIALS_HOME": tmp_path,
        "KEY_RING_FILE": tmp_path / "key_ring",
    }
    for old in replayed.iterdir():
        old.unlink()
    caches["kalshi"].clear()
    conf.forget()
    yield sandbox.key_ids["rsa"]
    engine.close()
    conf.forget()


def lines(*arguments: str) -> list[str]:
    """What a command prints on both of its ways out."""
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue().split("\n")[:-1]


@pytest.fixture
def steering(configured: str, django_user_model: Any) -> Any:
    """Somebody whose every text steers: their name, their account's, their key's."""
    person = django_user_model.objects.create_user(f"eve{STEERING}", is_superuser=True)
    account = Account(slug="fund", label=STEERING, environment="sandbox", key_id="key-of-the-fund")
    account_keys.seal(account, new_pem().encode())
    account.save()
    second_factor.offered(person, "a session")
    return person


LISTING = [
    ["accounts", "list"],
    ["keys", "list"],
    ["rotate_key_ring", "--check"],
    ["rotate_key_ring"],
    ["audit"],
    ["accounts", "grant", "fund", "--user", f"eve{STEERING}"],
    ["sign_out", "--user", f"eve{STEERING}"],
]


@pytest.mark.parametrize("arguments", LISTING, ids=[" ".join(words[:2]) for words in LISTING])
def test_no_command_prints_what_steers(steering: Any, arguments: list[str]) -> None:
    virtual_keys.issue(steering, Account.objects.get(slug="fund"), STEERING, key_type="ed25519", allowed=[])
    AuditEvent.objects.create(
        at=datetime(2026, 11, 21, 8, tzinfo=UTC), actor=STEERING, action="signed_in", target=STEERING
    )
    printed = lines(*arguments)
    assert printed
    for line in printed:
        assert line.isprintable()
        assert not line.startswith("ok    secrets")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_the_csv_steers_no_terminal_and_is_the_very_text_in_a_file(db: None) -> None:
    AuditEvent.objects.create(
        at=datetime(2026, 11, 21, 8, tzinfo=UTC), actor=STEERING, action="signed_in", target="x"
    )
    call_command("audit", "--csv", stdout=(terminal := Terminal()))
    assert all(line.isprintable() for line in terminal.getvalue().split("\n"))
    # A line for each event, of other tests' too, and one for the names.
    assert terminal.getvalue().count("\n") == 1 + AuditEvent.objects.count()
    call_command("audit", "--csv", stdout=(file := StringIO()))
    assert STEERING in file.getvalue()


def test_nor_does_one_that_takes_away(steering: Any) -> None:
    account = Account.objects.get(slug="fund")
    key = virtual_keys.issue(steering, account, STEERING, key_type="ed25519", allowed=[]).key
    Grant.objects.create(user=steering, account=account)
    for arguments in (
        ["keys", "revoke", str(key.key_id)],
        ["accounts", "revoke", "fund", "--user", steering.username],
    ):
        [line] = lines(*arguments)
        assert line.isprintable()


def test_nor_does_a_token_that_opens_nothing(configured: str, django_user_model: Any) -> None:
    django_user_model.objects.create_user(f"eve{STEERING}")
    token, *rest = lines("create_token", "--user", f"eve{STEERING}", "--name", "x")
    assert len(token) == 64
    assert len(rest) == 1 and rest[0].isprintable()


def test_a_finding_is_one_line_whatever_was_found() -> None:
    finding = verify_findings.fail("signature", f"Kalshi says {STEERING}", STEERING)
    assert verify_findings.as_line(finding).isprintable()
    [check] = verify_findings.as_json([finding])["checks"]
    assert check["found"].isprintable() and check["remedy"].isprintable()


def test_the_test_of_an_account_shows_what_kalshi_sent_without_steering(
    configured: str, replayed: Path
) -> None:
    (replayed / "get_account_api_limits.json").write_text(json.dumps({"usage_tier": STEERING}))
    (replayed / "get_api_keys.json").write_text(
        json.dumps({"api_keys": [{"api_key_id": configured, "scopes": ["read", STEERING]}]})
    )
    printed = lines("accounts", "test", "default")
    assert all(line.isprintable() for line in printed)
    assert [line[6:].partition(":")[0] for line in printed if line[:4].strip()] == [
        "key", "signature", "scope", "tier", "balance",
    ]  # fmt: skip


def test_nor_does_it_show_a_secret_that_kalshi_sent_back(configured: str, replayed: Path) -> None:
    (replayed / "get_account_api_limits.json").write_text(json.dumps({"usage_tier": configured}))
    (replayed / "get_api_keys.json").write_text(
        json.dumps({"api_keys": [{"api_key_id": configured, "scopes": [f"read {configured}"]}]})
    )
    printed = "\n".join(lines("accounts", "test", "default"))
    assert "tier: ***" in printed
    assert configured not in printed
    found = account_test.run(Account.objects.get(from_environment=True))
    assert configured not in str(found)  # the admin's page shows these


def test_nor_a_secret_of_an_account_that_has_its_own_key(
    configured: str, sandbox: Sandbox, replayed: Path
) -> None:
    other = sandbox.key_ids["ed25519"]
    account = Account(slug="fund", label="fund", environment="sandbox", key_id=other)
    account_keys.seal(account, sandbox.key_path("ed25519").read_bytes())
    account.save()
    (replayed / "get_account_api_limits.json").write_text(json.dumps({"usage_tier": other}))
    printed = "\n".join(lines("accounts", "test", "fund"))
    assert "tier: ***" in printed
    assert other not in printed
