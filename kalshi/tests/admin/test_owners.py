"""What owners of an account may not do with it, because it would give them more than they were given."""

from __future__ import annotations

from kalshi.models import Account
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
