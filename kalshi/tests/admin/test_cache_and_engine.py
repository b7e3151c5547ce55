"""The cache browser and the engine's state: what each person sees, and purging."""

from __future__ import annotations

import time
from typing import Any

import pytest

from kalshi import conf
from kalshi.cache.caches import cache_settings
from kalshi.cache.entry import Entry
from kalshi.cache.keys import Scope, cache_key
from kalshi.errors import UnexpectedPayload
from kalshi.limits.breaker import FAILURES
from kalshi.models import Account, AuditEvent
from kalshi.services import cache_browser, engine, live_state, metrics
from kalshi.services.cache_browser import Filters
from kalshi.tests.admin.conftest import World

HOST = "external-api.demo.kalshi.co"


def store(
    account: str, path: str, operation: str = "get_balance", *, age_s: float = 1, signed: bool = True
) -> str:
    key = cache_key(Scope("demo", HOST, account, "0123abcd"), operation, signed, path)
    fetched_at = time.time() - age_s
    entry = Entry.of(key, 200, b'{"balance": 1}', fetched_at=fetched_at, fresh_s=60, keep_s=86_400)
    engine.current().store.set(key, entry)
    return key


@pytest.fixture
def filled(world: World) -> dict[str, str]:
    return fill(world)


def fill(world: World) -> dict[str, str]:
    return {
        "default": store("default", "/portfolio/balance"),
        "ours": store(str(world.ours["account"].uid), "/portfolio/balance", age_s=5000),
        "theirs": store(str(world.theirs["account"].uid), "/portfolio/balance"),
        "public": store("default", "/markets/HIGHNY", "get_market", signed=False),
        "gone": store("no-such-account", "/portfolio/balance"),
    }


def owners(user: Any) -> set[str]:
    return {row.owner for row in cache_browser.browse(user, Filters()).rows}


def test_everybody_sees_public_answers_and_those_of_their_accounts(world: World, filled: Any) -> None:
    people = world.people
    assert owners(people["superuser"]) == {"default", "ours", "theirs", "public", "?"}
    assert owners(people["operator"]) == {"ours", "public"}
    assert owners(people["default-operator"]) == {"default", "public"}
    assert owners(people["viewer"]) == owners(people["stranger"]) == owners(people["shut"]) == set()


def test_the_page_tells_key_age_size_and_state(world: World, filled: Any) -> None:
    text = world.client("operator").get("/admin/cache/").content.decode()
    for word in ("/portfolio/balance", "/markets/HIGHNY", "1 h", "old", "14", "a cache of its own"):
        assert word in text
    assert "Answers since the start" not in text
    assert "Answers since the start" in world.client("superuser").get("/admin/cache/").content.decode()


def test_an_entry_from_before_the_clock_was_set_back_is_old_and_its_age_unknown(world: World) -> None:
    store(str(world.ours["account"].uid), "/portfolio/balance", age_s=-5000)
    assert [row.state for row in cache_browser.browse(world.people["operator"], Filters()).rows] == ["old"]
    assert "unknown" in world.client("operator").get("/admin/cache/").content.decode()


def test_filters_narrow_what_is_shown(world: World, filled: Any) -> None:
    root = world.people["superuser"]
    for filters, number in (
        (Filters(owner="ours"), 1),
        (Filters(operation="get_market"), 1),
        (Filters(state="old"), 1),
        (Filters(text="highny"), 1),
        (Filters(text="nothing like it"), 0),
    ):
        assert cache_browser.browse(root, filters).matching == number


def test_a_list_is_bounded_and_says_how_many_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_browser, "MAX_ROWS", 3)
    for number in range(5):
        store("default", f"/markets/M{number}", "get_market", signed=False)
    found = cache_browser.browse(world.people["superuser"], Filters())
    assert (len(found.rows), found.matching) == (3, 5)


def test_purging_asks_first_then_takes_out_and_is_recorded(world: World, filled: dict[str, str]) -> None:
    client = world.client("operator")
    form = {"key": filled["ours"]}
    assert b"out of the cache?" in client.post("/admin/cache/purge/", form).content
    assert engine.current().store.get(filled["ours"]) is not None
    assert client.get("/admin/cache/purge/").status_code == 405
    client.post("/admin/cache/purge/", form | {"confirmed": "1"})
    assert engine.current().store.get(filled["ours"]) is None
    event = AuditEvent.objects.get(action="cache-purged")
    assert (event.actor, event.target, event.details["entries"]) == ("operator", "get_balance", 1)


@pytest.mark.parametrize("role", ["operator", "viewer", "stranger", "default-operator", "nobody"])
def test_nobody_purges_what_is_not_theirs(world: World, filled: dict[str, str], role: str) -> None:
    client = world.client(role)
    wanted = ["theirs", "gone"] + ([] if role == "default-operator" else ["public", "default"])
    client.post("/admin/cache/purge/", {"key": [filled[name] for name in wanted], "confirmed": "1"})
    client.post("/admin/cache/purge/", {"matching": "1", "confirmed": "1"})
    assert all(engine.current().store.get(filled[name]) is not None for name in wanted)


def test_all_that_fit_the_filters_are_purged_at_once(world: World, filled: dict[str, str]) -> None:
    form = {"matching": "1", "operation": "get_balance", "confirmed": "1"}
    world.client("superuser").post("/admin/cache/purge/", form)
    left = {name for name, key in filled.items() if engine.current().store.get(key) is not None}
    assert left == {"public"}
    told = AuditEvent.objects.filter(action="cache-purged").order_by("account")
    # One for each account, so that its operators read of it and of nothing else.
    assert [event.account for event in told if event.actor == "superuser"] == [
        "",
        "default",
        "ours",
        "theirs",
    ]


def test_entries_of_redis_are_listed_and_purged(world: World, settings: Any, redis_url: str) -> None:
    settings.CACHES = settings.CACHES | {"kalshi": cache_settings(redis_url) | {"KEY_PREFIX": "browser-test"}}
    conf.forget()
    keys = fill(world)
    operator = world.people["operator"]
    assert owners(operator) == {"ours", "public"}
    found = cache_browser.browse(operator, Filters(owner="ours"))
    assert found.complete and found.rows[0].size > 14 and found.rows[0].state == "old"
    assert cache_browser.purge(cache_browser.purgeable(operator, keys=[keys["ours"], keys["theirs"]])) == 1
    assert owners(world.people["superuser"]) == {"default", "theirs", "public", "?"}
    assert live_state.live_state(operator)["redis"] == "connected"


def test_the_engine_tells_of_ones_own_accounts_only(world: World) -> None:
    told = world.client("operator").get("/admin/engine/state.json").json()
    assert [one["slug"] for one in told["accounts"]] == ["ours"]
    assert told["redis"] == "none" and told["processes"][0]["pid"] > 0
    told = world.client("default-operator").get("/admin/engine/state.json").json()
    assert [one["slug"] for one in told["accounts"]] == ["default"]
    assert told["accounts"][0]["budget"].keys() >= {"level", "capacity", "refill_per_s", "tier"}
    assert (told["accounts"][0]["breaker"], told["accounts"][0]["left_alone"]) == ("closed", [])


def test_the_engine_tells_what_fails_by_itself_and_what_has_another_shape(world: World) -> None:
    running = engine.of(Account.objects.get(slug="ours"))
    for _ in range(FAILURES):
        running.breakers.of("get_orders").report(UnexpectedPayload("204"), (False, False))
    metrics.counts.upstream("get_game_stats", "drift", 0.1)
    told = world.client("operator").get("/admin/engine/state.json").json()
    assert (told["accounts"][0]["breaker"], told["accounts"][0]["left_alone"]) == ("closed", ["get_orders"])
    assert told["drift"]["get_game_stats"] >= 1


def test_an_account_without_a_key_says_so_in_the_engine(world: World) -> None:
    told = world.client("owner").get("/admin/engine/state.json").json()["accounts"][0]
    assert "no key that can be used" in told["fault"]


def test_an_account_that_is_off_is_not_in_the_engine(world: World) -> None:
    Account.objects.filter(slug="ours").update(enabled=False)
    assert world.client("owner").get("/admin/engine/state.json").json()["accounts"] == []
