"""Making, listing and revoking virtual keys."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from kalshi.models import Grant, VirtualKey
from kalshi.services import virtual_keys
from kalshi.tests.gateway.signing import create
from kalshi.upstream.pem import parse_private_key


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("keys", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_key_is_made_and_its_private_half_is_stored_nowhere(granted: Any, kind: str) -> None:
    made = json.loads(run("create", "--user", "ada", "--label", "bot", "--type", kind, "--json"))
    assert set(made) == {"key_id", "private_key"}
    row = VirtualKey.objects.get(key_id=made["key_id"])
    assert (row.user, row.label, row.key_type, row.account.slug) == (granted, "bot", kind, "default")
    parse_private_key(made["private_key"], source="test")
    stored = " ".join(str(value) for value in VirtualKey.objects.values().get(pk=row.pk).values())
    assert "PRIVATE" not in stored and row.public_key.startswith("-----BEGIN PUBLIC KEY-----")


def test_an_rsa_key_looks_as_kalshis_do(granted: Any) -> None:
    printed = run("create", "--user", "ada", "--label", "bot")
    assert printed.startswith("Key id: ") and "\n-----BEGIN RSA PRIVATE KEY-----\n" in printed


def test_what_a_key_may_do_is_kept(granted: Any) -> None:
    options = (
        "--operation",
        "get_orders",
        "--operation",
        "get_balance",
        "--per-second",
        "2.5",
        "--days",
        "7",
    )
    row = VirtualKey.objects.get(key_id=create(*options).key_id)
    assert (row.operations, row.requests_per_s) == (["get_balance", "get_orders"], 2.5)
    assert row.expires_at is not None
    assert abs(row.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--user", "nobody", "--label", "x"), "no active user 'nobody'"),
        (("--user", "ada", "--label", " "), "label"),
        (("--user", "ada", "--label", "x" * 101), "label"),
        (("--user", "ada", "--label", "x", "--account", "other"), "You may not see this account"),
        (("--user", "ada", "--label", "x", "--operation", "create_order"), "no operation 'create_order'"),
        (("--user", "ada", "--label", "x", "--per-second", "0"), "requests_per_s"),
        (("--user", "ada", "--label", "x", "--per-second", "nan"), "requests_per_s"),
        (("--user", "ada", "--label", "x", "--days", "0"), "allowed: 1 to 3650"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(
    granted: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("create", *arguments)
    assert not VirtualKey.objects.exists()


def test_without_a_grant_there_is_no_key(user: Any) -> None:
    Grant.objects.filter(user=user).delete()
    with pytest.raises(CommandError, match="No account was granted"):
        run("create", "--user", "ada", "--label", "x")


def test_keys_are_listed_without_their_secrets_and_revoked_for_good(granted: Any) -> None:
    kept, ended = create("--type", "ed25519").key_id, create("--type", "ed25519").key_id
    assert "within two seconds" in run("revoke", ended)
    first_moment = VirtualKey.objects.get(key_id=ended).revoked_at
    run("revoke", ended)
    assert VirtualKey.objects.get(key_id=ended).revoked_at == first_moment
    rows = {row["key_id"]: row["state"] for row in json.loads(run("list", "--json"))}
    assert rows == {kept: "good", ended: "revoked"}
    printed = run("list", "--user", "ada")
    assert kept in printed and ended in printed and "KEY-----" not in printed
    for name in ("no-such-key", kept.upper()):
        with pytest.raises(CommandError, match="no key of this id"):
            run("revoke", name)


def test_a_key_is_found_by_its_one_spelling_only(granted: Any) -> None:
    key_id = create("--type", "ed25519").key_id
    assert virtual_keys.named(key_id) is not None
    for spelling in (
        key_id.upper(),
        f"{{{key_id}}}",
        f"urn:uuid:{key_id}",
        key_id.replace("-", ""),
        f" {key_id}",
    ):
        assert virtual_keys.named(spelling) is None
