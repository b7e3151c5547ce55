"""Somebody wrote into our Redis: what is not ours under our keys is taken out or passed over, and Redis is not lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis

from kalshi.cache.entry import Entry
from kalshi.cache.leases import Claim, Leases, Turn
from kalshi.cache.listing import list_entries
from kalshi.cache.store import SharedStore
from kalshi.errors import BreakerOpen, UpstreamTimeout
from kalshi.limits.breaker import Breaker
from kalshi.limits.budget import Budget
from kalshi.limits.callers import CallerLimits
from kalshi.limits.shared_breaker import SharedBreaker
from kalshi.limits.shared_budget import SharedBudget
from kalshi.limits.shelf import Learned, Shelf
from kalshi.redis_link import PREFIX, link_to
from kalshi.tests.cache.stores import redis_cache

KEY = f"{PREFIX}:demo:host:default.01234567:get_balance:/portfolio/balance?"
KEYS = (
    KEY,
    f"{PREFIX}:epoch",
    f"{PREFIX}:lease:{KEY}",
    f"{PREFIX}:failure:{KEY}",
    f"{PREFIX}:tried:{KEY}",
    f"{PREFIX}:budget:budget",
    f"{PREFIX}:minute:budget",
    f"{PREFIX}:minute-background:budget",
    f"{PREFIX}:caller:caller",
    f"{PREFIX}:breaker:breaker",
    f"{PREFIX}:learned:budget",
    f"{PREFIX}:learning:budget",
)


class Sharers:
    """Everything of one process that shares something, and one use of it all. Each use is a process that just came."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache
        self.link = link_to(cache)
        self.redis: Redis = cache.client.get_client()

    def name(self, key: str) -> str:
        return self.link.name(key)

    def use_all(self) -> None:
        store, leases = SharedStore(self.link), Leases(self.link)
        budget = SharedBudget(self.link, "budget", "public", Budget(share=1.0), share=1.0, max_per_minute=100)
        breaker = SharedBreaker(self.link, "breaker", Breaker())
        shelf = Shelf(self.link, "budget")
        try:
            store.get(KEY)
            store.set(KEY, Entry.of(KEY, 200, b"{}", fetched_at=1000.0, fresh_s=60.0, keep_s=600.0))
            assert store.look(KEY, anew=True)[0] is not None
            head = store.look(KEY)[1]
            for token in ("killed", "token"):  # the first held it until now
                claim = Claim(KEY, token, forced=True)
                assert leases.claim(claim, head=head, waited_s=0, now=5000.0) is not Turn.ALONE
                leases.release(claim, UpstreamTimeout("x"))
            budget.acquire(1, charged=True, background=True, max_wait_s=5)
            budget.limited(charged=True)
            assert budget.snapshot()["capacity"] > 0
            with suppress(BreakerOpen):
                breaker.report("fails", "get_balance", probe=breaker.admit())
            assert breaker.snapshot() in {"closed", "open"}
            assert CallerLimits(self.link).take("caller", 100).allowed
            shelf.get()
            shelf.claim()
            shelf.put(Learned(1.0, None, b"{}"))
            shelf.claim()
            leases.claim(Claim(KEY, "killed", forced=False), head=head, waited_s=0, now=9000.0)
            assert list_entries(self.cache, self.link).complete
        finally:
            store.close()
            leases._keeper.close()  # what it holds stays, as after a kill
            breaker.close()


@pytest.fixture
def sharers(redis_url: str) -> Iterator[Sharers]:
    with redis_cache(redis_url) as cache:
        yield Sharers(cache)


@pytest.fixture
def sound(sharers: Sharers, caplog: pytest.LogCaptureFixture) -> Iterator[Sharers]:
    """After one use without damage, which has made every key. In the end Redis was never lost."""
    sharers.use_all()
    assert all(sharers.redis.exists(sharers.name(key)) for key in KEYS)
    caplog.clear()
    yield sharers
    assert not sharers.link.down
    assert not [r.message for r in caplog.records if "lost" in r.message]


def of_another_type(redis: Redis, name: str) -> None:
    is_string = redis.type(name) == b"string"
    redis.delete(name)
    if is_string:
        redis.hset(name, "a", "b")
    else:
        redis.set(name, "a")


def of_other_words(redis: Redis, name: str) -> None:
    fields = redis.hkeys(name) if redis.type(name) == b"hash" else []
    if redis.type(name) == b"zset":
        redis.zadd(name, {"a": "inf"})
    elif fields:
        redis.hset(name, mapping=dict.fromkeys(fields, "a"))
        redis.persist(name)
    else:
        redis.set(name, b"\xff a")


@pytest.mark.parametrize("damage", [of_another_type, of_other_words])
@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.removeprefix(PREFIX).split(":")[1])
def test_damage_under_one_of_our_keys_is_no_outage(
    key: str, damage: Callable[[Redis, str], None], sound: Sharers, caplog: pytest.LogCaptureFixture
) -> None:
    name = sound.name(key)
    right = sound.redis.type(name)
    damage(sound.redis, name)
    sound.use_all()
    assert sound.redis.type(name) in {right, b"none"}
    assert sum("not ours" in record.message for record in caplog.records) <= (damage is of_another_type)


@pytest.mark.parametrize("damage", [of_another_type, of_other_words])
def test_a_lease_that_nobody_holds_and_that_never_ends_keeps_nobody_waiting(
    sharers: Sharers, damage: Callable[[Redis, str], None]
) -> None:
    for key in (f"{PREFIX}:lease:{KEY}", f"{PREFIX}:learning:budget"):
        sharers.redis.set(sharers.name(key), "token")
        damage(sharers.redis, sharers.name(key))
    leases, claim = Leases(sharers.link), Claim(KEY, "token", forced=False)
    assert leases.claim(claim, head=b"", waited_s=0, now=1000.0) is Turn.OURS
    leases.close()
    assert Shelf(sharers.link, "budget").claim()
    assert not Shelf(sharers.link, "budget").claim()


def test_what_was_taken_out_is_said_once(sound: Sharers, caplog: pytest.LogCaptureFixture) -> None:
    of_another_type(sound.redis, sound.name(KEY))
    sound.use_all()
    sound.use_all()
    said = [record.getMessage() for record in caplog.records if "not ours" in record.message]
    assert said == [f"What stood in Redis under {sound.name(KEY)[:200]} was not ours; it was taken out."]


def test_one_damaged_copy_is_no_outage_for_those_compared_with_it(sharers: Sharers) -> None:
    now = [0.0]
    sharers.link.monotonic = lambda: now[0]
    store = SharedStore(sharers.link)
    store.close()
    keys = [f"{KEY}limit={number}" for number in (1, 2)]
    for key in keys:
        store.set(key, Entry.of(key, 200, b"{}", fetched_at=1000.0, fresh_s=60.0, keep_s=600.0))
        assert store.hot(key)
    of_another_type(sharers.redis, sharers.name(keys[0]))
    now[0] = 0.9
    assert store.compare_those_in_use()
    now[0] = 1.5
    assert not sharers.link.down
    assert [store.hot(key) is not None for key in keys] == [False, True]


def test_other_keys_are_left_as_they_are(sound: Sharers) -> None:
    scope = str(uuid4())
    sound.redis.hset(scope, "a", "b")
    of_another_type(sound.redis, sound.name(KEY))
    sound.use_all()
    assert sound.redis.hgetall(scope) == {b"a": b"b"}
