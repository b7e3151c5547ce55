"""Secrets go into the admin and come out once, or never."""

from __future__ import annotations

from typing import Any

from kalshi.models import Account, ApiToken, AuditEvent, Grant, VirtualKey
from kalshi.services import account_keys
from kalshi.tests.admin.conftest import World

NO_GRANTS = {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}
KEY_ID = "0a1b2c3d-secret-key-id"


def form(pem: str, **fields: str) -> dict[str, str]:
    new = {"label": "New", "slug": "new", "environment": "demo", "enabled": "on"}
    return new | {"new_key_id": KEY_ID, "private_key": pem} | NO_GRANTS | fields


def test_a_private_key_is_sealed_and_never_shown(world: World, sealing: None, pem: str) -> None:
    client = world.client("superuser")
    assert client.post("/admin/kalshi/account/add/", form(pem)).status_code == 302
    account = Account.objects.get(slug="new")
    assert pem.splitlines()[1] not in account.sealed_key
    opened = account_keys.credentials_of(account, account_keys.setup_of(account, _setup()))
    assert opened.key_id == KEY_ID
    for path in ("", f"{account.pk}/change/", f"{account.pk}/history/", f"{account.pk}/delete/"):
        text = client.get(f"/admin/kalshi/account/{path}").content.decode()
        assert pem.splitlines()[1] not in text and KEY_ID not in text and account.sealed_key not in text


def test_a_private_key_on_one_line_is_taken_too(world: World, sealing: None, pem: str) -> None:
    client = world.client("superuser")
    client.post("/admin/kalshi/account/add/", form(pem.replace("\n", "\\n")))
    assert Account.objects.get(slug="new").sealed_key


def test_a_form_with_an_error_does_not_echo_the_key(world: World, sealing: None, pem: str) -> None:
    answer = world.client("superuser").post("/admin/kalshi/account/add/", form(pem, slug="NOT A SLUG"))
    text = answer.content.decode()
    assert answer.status_code == 200 and "Lower-case letters" in text
    assert pem.splitlines()[1] not in text


def test_a_text_that_is_no_key_is_refused_without_repeating_it(world: World, sealing: None) -> None:
    answer = world.client("superuser").post("/admin/kalshi/account/add/", form("hunter2hunter2"))
    assert answer.status_code == 200 and not Account.objects.filter(slug="new").exists()
    assert "hunter2" not in answer.content.decode()


def test_another_key_id_needs_its_key(world: World, sealing: None, pem: str) -> None:
    client, account = world.client("owner"), world.ours["account"]
    change = f"/admin/kalshi/account/{account.pk}/change/"
    answer = client.post(change, form("", slug="ours"))
    assert b"private key of the new key id is needed" in answer.content
    assert client.post(change, form(pem, slug="ours")).status_code == 302
    account.refresh_from_db()
    assert account.key_id == KEY_ID


def test_an_operator_changes_the_name_and_not_the_key(world: World, sealing: None, pem: str) -> None:
    account = world.ours["account"]
    change = f"/admin/kalshi/account/{account.pk}/change/"
    assert world.client("operator").post(change, form(pem, label="Renamed")).status_code == 302
    account.refresh_from_db()
    assert (account.label, account.slug, account.key_id, account.sealed_key) == ("Renamed", "ours", "", "")


def test_the_default_account_keeps_its_name_and_key(world: World, sealing: None, pem: str) -> None:
    default = Account.objects.get(from_environment=True)
    change = f"/admin/kalshi/account/{default.pk}/change/"
    assert world.client("superuser").post(change, form(pem, label="Mine")).status_code == 302
    default.refresh_from_db()
    assert (default.label, default.slug, default.sealed_key) == ("Mine", "default", "")
    assert world.client("superuser").post(f"{change[:-7]}delete/", {"post": "yes"}).status_code == 403


def test_a_new_virtual_key_is_shown_once_and_not_kept(world: World) -> None:
    client = world.client("owner")
    new = {
        "label": "Bot",
        "account": world.ours["account"].pk,
        "user": world.people["owner"].pk,
        "kind": "rsa",
    }
    answer = client.post("/admin/kalshi/virtualkey/add/", new)
    text = answer.content.decode()
    assert answer.status_code == 200 and "-----BEGIN RSA PRIVATE KEY-----" in text
    assert "no-store" in answer["Cache-Control"] and "<script>" not in text
    key = VirtualKey.objects.get(label="Bot")
    assert str(key.key_id) in text
    line = text.split("KEY-----")[1].split()[0]
    assert line not in client.get(f"/admin/kalshi/virtualkey/{key.pk}/change/").content.decode()
    assert line not in str(VirtualKey.objects.filter(pk=key.pk).values().get())
    assert line not in str(list(AuditEvent.objects.values()))


def test_a_key_for_somebody_who_may_not_see_the_account_is_refused(world: World) -> None:
    new = {"label": "Bot", "account": world.ours["account"].pk, "kind": "ed25519"}
    new["user"] = world.people["stranger"].pk
    answer = world.client("superuser").post("/admin/kalshi/virtualkey/add/", new)
    assert b"grant it first" in answer.content and not VirtualKey.objects.filter(label="Bot").exists()


def test_a_new_token_is_shown_once_and_is_ones_own(world: World) -> None:
    client, operator = world.client("operator"), world.people["operator"]
    answer = client.post("/admin/kalshi/apitoken/add/", {"name": "Phone", "scope": "read", "days": "30"})
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    token = ApiToken.objects.get(name="Phone")
    assert token.user == operator
    secret = answer.content.decode().split('aria-label="The secret">')[1].split("<")[0]
    got = client.get("/api/v1/status", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert got.status_code == 200
    assert secret not in client.get("/admin/kalshi/apitoken/").content.decode()


def test_no_page_and_no_address_names_the_hash_of_a_token(world: World) -> None:
    client, token = world.client("superuser"), world.ours["token"]
    for path in ("", f"{token.pk}/change/", f"{token.pk}/history/", f"{token.pk}/delete/"):
        answer = client.get(f"/admin/kalshi/apitoken/{path}")
        assert answer.status_code == 200 and token.digest not in answer.content.decode()
    assert (
        f'href="/admin/kalshi/apitoken/{token.pk}/change/'
        in client.get("/admin/kalshi/apitoken/").content.decode()
    )
    assert client.get(f"/admin/kalshi/apitoken/{token.digest}/change/").status_code == 302  # there is none


def test_only_superusers_make_tokens_for_the_metrics(world: World) -> None:
    new = {"name": "Watcher", "scope": "metrics", "days": "30"}
    assert b"Only superusers" in world.client("owner").post("/admin/kalshi/apitoken/add/", new).content
    assert world.client("superuser").post("/admin/kalshi/apitoken/add/", new).status_code == 200
    assert ApiToken.objects.filter(name="Watcher").count() == 1


def test_keys_are_blocked_and_revoked_and_the_log_tells(world: World, key_row: Any) -> None:
    client, key = world.client("owner"), world.ours["key"]
    chosen = {"_selected_action": [str(key.pk)], "index": "0"}
    client.post("/admin/kalshi/virtualkey/", {"action": "block", **chosen})
    assert key_row().blocked
    client.post("/admin/kalshi/virtualkey/", {"action": "unblock", **chosen})
    assert not key_row().blocked
    assert client.get(f"/admin/kalshi/virtualkey/{key.pk}/revoke/").status_code == 200
    assert key_row().revoked_at is None  # looking does nothing
    client.post(f"/admin/kalshi/virtualkey/{key.pk}/revoke/")
    assert key_row().revoked_at is not None
    told = set(AuditEvent.objects.filter(actor="owner").values_list("action", flat=True))
    assert {"key-blocked", "key-unblocked", "key-revoked"} <= told


def test_an_owner_gives_a_grant_by_name(world: World) -> None:
    account = world.ours["account"]
    give = {"label": "Our fund", "slug": "ours", "environment": "demo", "enabled": "on"}
    give |= {"grants-TOTAL_FORMS": "1", "grants-INITIAL_FORMS": "0", "grants-0-role": "viewer"}
    change = f"/admin/kalshi/account/{account.pk}/change/"
    client = world.client("owner")
    assert b"no active person" in client.post(change, give | {"grants-0-person": "nobody-such"}).content
    assert b"has a grant already" in client.post(change, give | {"grants-0-person": "viewer"}).content
    assert client.post(change, give | {"grants-0-person": "stranger"}).status_code == 302
    assert Grant.objects.get(user=world.people["stranger"]).account == account


def test_nobody_takes_their_own_rights_by_a_slip(world: World) -> None:
    root = world.people["superuser"]
    slip = {"username": "superuser", "kalshi_grants-TOTAL_FORMS": "0", "kalshi_grants-INITIAL_FORMS": "0"}
    answer = world.client("superuser").post(f"/admin/auth/user/{root.pk}/change/", slip)
    assert b"You cannot take this from yourself" in answer.content
    assert world.client("superuser").get(f"/admin/auth/user/{root.pk}/delete/").status_code == 403


def test_a_test_shows_findings_and_is_recorded(world: World) -> None:
    account = Account.objects.get(from_environment=True)
    client = world.client("superuser")
    text = client.post(f"/admin/kalshi/account/{account.pk}/test/").content.decode()
    assert "Signature" in text and "Balance" in text
    assert AuditEvent.objects.filter(action="account-tested", target="default").count() == 1
    assert "ago" in client.get("/admin/kalshi/account/").content.decode()


def _setup() -> Any:
    from kalshi import conf

    return conf.setup()
