"""What owners of an account may not do with it, because it would give them more than they were given."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command

from kalshi.models import Account, VirtualKey
from kalshi.tests.admin.conftest import World

FORM = {"label": "Our fund", "slug": "ours", "environment": "demo", "enabled": "on"}
FORM |= {"grants-TOTAL_FORMS": "0", "grants-INITIAL_FORMS": "0"}


def subaccount_after(world: World, role: str, **fields: str) -> int | None:
    account = world.ours["account"]
    Account.objects.filter(pk=account.pk).update(subaccount=3)
    change = f"/admin/kalshi/account/{account.pk}/change/"
    assert world.client(role).post(change, FORM | fields).status_code == 302
    account.refresh_from_db()
    return account.subaccount  # type: ignore[no-any-return]


def test_an_owner_does_not_widen_an_account_that_is_pinned_to_a_subaccount(
    world: World, sealing: None
) -> None:
    for fields in ({}, {"subaccount": ""}, {"subaccount": "4"}):
        assert subaccount_after(world, "owner", **fields) == 3
        assert subaccount_after(world, "operator", **fields) == 3
    text = world.client("owner").get(f"/admin/kalshi/account/{world.ours['account'].pk}/change/").content
    assert b'name="subaccount"' not in text and b'name="new_key_id"' in text


def test_a_superuser_does(world: World, sealing: None) -> None:
    assert subaccount_after(world, "superuser", subaccount="4") == 4
    assert subaccount_after(world, "superuser", subaccount="") is None


def new_key(world: World, user: Any) -> dict[str, Any]:
    return {"label": "Bot", "account": world.ours["account"].pk, "user": user.pk, "kind": "ed25519"}


def test_an_owner_makes_keys_for_nobody_else(world: World) -> None:
    client = world.client("owner")
    form = client.get("/admin/kalshi/virtualkey/add/").context["adminform"].form
    assert list(form.fields["user"].queryset) == [world.people["owner"]]
    for person in (world.ours["user"], world.people["operator"], world.people["superuser"]):
        answer = client.post("/admin/kalshi/virtualkey/add/", new_key(world, person))
        assert answer.status_code == 200 and b"PRIVATE KEY" not in answer.content
    assert not VirtualKey.objects.filter(label="Bot").exists()


def test_superusers_and_the_command_line_do(world: World, capsys: Any) -> None:
    member = world.ours["user"]
    answer = world.client("superuser").post("/admin/kalshi/virtualkey/add/", new_key(world, member))
    assert b"PRIVATE KEY" in answer.content
    call_command("keys", "create", user="member", label="Bot", account="ours")
    assert [key.user for key in VirtualKey.objects.filter(label="Bot")] == [member, member]


def test_an_owner_cannot_find_out_whether_an_account_of_others_has_a_name(
    world: World, sealing: None
) -> None:
    account = world.ours["account"]
    path = f"/admin/kalshi/account/{account.pk}/change/"
    client = world.client("owner")
    for name in ("theirs", "default", "surely-not-there"):
        answer = client.post(path, FORM | {"slug": name})
        assert (answer.status_code, b"already exists" in answer.content) == (302, False), name
        account.refresh_from_db()
        assert account.slug == "ours"
    assert world.client("superuser").post(path, FORM | {"slug": "fund"}).status_code == 302
    account.refresh_from_db()
    assert account.slug == "fund"
