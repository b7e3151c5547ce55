"""Somebody wrote into our Redis: what is not ours under our keys is taken out or passed over, and Redis is not lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from kalshi.cache.entry import Entry
from kalshi.cache.leases import Claim, Leases, Turn
from kalshi.cache.listing import list_entries
from kalshi.cache.store import SharedStore
from kalshi.cache.told import to_text
from kalshi.errors import BreakerOpen, KalshiError, RateLimited, UpstreamTimeout
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


NUMBERS = ("nan", "-nan", "inf", "-inf", "1e308", "-1e308", "-1e300", "1e16", "-5", "0x10", "", "9" * 5000)


def spend(sharers: Sharers) -> None:
    """Everything that counts in Redis, told to somebody: no number is more than the bucket or a wait can be."""
    budget = SharedBudget(sharers.link, "budget", "public", Budget(share=1.0), share=1.0, max_per_minute=100)
    with suppress(RateLimited):
        try:
            budget.acquire(1, charged=True, background=False, max_wait_s=0)
        except RateLimited as refused:
            assert refused.retry_after_s is not None and 0 <= refused.retry_after_s <= 2000
            raise
    told = budget.snapshot()
    assert 0 <= told["level"] <= told["capacity"]
    assert 0 < told["refill_per_s"] <= budget.granted.refill_per_s
    budget.limited(charged=True)
    json.dumps(budget.snapshot(), allow_nan=False)
    taken = CallerLimits(sharers.link).take("caller", 100)
    assert 0 <= taken.level <= taken.capacity
    assert 0 <= taken.wait_s <= 1
    breaker = SharedBreaker(sharers.link, "breaker", Breaker())
    with suppress(BreakerOpen):
        try:
            breaker.report("fails", "get_balance", probe=breaker.admit())
        except BreakerOpen as refused:
            assert refused.retry_after_s is not None and 0 < refused.retry_after_s <= 3600
            raise
        finally:
            breaker.close()


@pytest.mark.parametrize(
    ("key", "field"),
    [
        *(("budget:budget", name) for name in ("level", "back", "at", "start", "since", "used", "high")),
        *(("caller:caller", name) for name in ("at", "level")),
        *(("breaker:breaker", name) for name in ("failures", "faults", "open_until", "probe_until")),
    ],
)
def test_a_number_that_a_bucket_cannot_have_is_none(sound: Sharers, key: str, field: str) -> None:
    name = sound.name(f"{PREFIX}:{key}")
    now_s = time.time()
    for number in NUMBERS:
        sound.redis.hset(name, mapping={"since": now_s, "at": now_s, field: number})
        spend(sound)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(
        st.sampled_from(["level", "back", "at", "start", "since", "used"]), st.floats(), min_size=1
    )
)
def test_whatever_numbers_stand_there_the_budget_can_be_told(
    sound: Sharers, fields: dict[str, float]
) -> None:
    sound.redis.hset(sound.name(f"{PREFIX}:budget:budget"), mapping=fields)
    sound.redis.hset(sound.name(f"{PREFIX}:caller:caller"), mapping=fields)
    spend(sound)


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"\xff",
        b'{"at":1' + b"0" * 400 + b',"limits":null,"costs":""}',
        b'{"at":NaN,"limits":null,"costs":""}',
    ],
)
def test_limits_that_none_of_us_learned_are_none(sound: Sharers, text: bytes) -> None:
    sound.redis.set(sound.name(f"{PREFIX}:learned:budget"), text)
    assert Shelf(sound.link, "budget").get() is None


@pytest.mark.parametrize(
    ("ahead_s", "told"),
    [(10, to_text(UpstreamTimeout("x")).encode()), (10**9, b"{}"), (-1, b"\xff"), (-1, b"[" * 100_000)],
)
def test_a_failure_is_an_error_of_ours_and_never_from_ahead_of_the_clock(
    sharers: Sharers, ahead_s: int, told: bytes
) -> None:
    """Redis's clock was set back, or somebody wrote there."""
    now_s = sharers.redis.time()[0]
    sharers.redis.set(sharers.name(f"{PREFIX}:failure:{KEY}"), b"%d %b" % (now_s + ahead_s, told))
    leases, claim = Leases(sharers.link), Claim(KEY, "token", forced=False)
    if ahead_s > 0:
        assert leases.claim(claim, head=b"", waited_s=3600, now=1000.0) is Turn.OURS
    else:
        with pytest.raises(KalshiError, match="did not say how"):
            leases.claim(claim, head=b"", waited_s=3600, now=1000.0)
    leases.close()


def test_an_etag_that_no_header_can_hold_is_damage() -> None:
    entry = replace(Entry.of(KEY, 200, b"{}", fetched_at=1.0, fresh_s=1.0, keep_s=1.0), etag='"a\r\nb"')
    assert Entry.unpack(entry.pack()) is None


def test_a_key_of_somebody_elses_that_is_no_text_is_not_listed(sound: Sharers) -> None:
    packed = Entry.of(KEY, 200, b"{}", fetched_at=1.0, fresh_s=1.0, keep_s=1.0).pack()
    sound.redis.set(sound.name(f"{PREFIX}:a:b:c:d:").encode() + b"\xff", packed)
    assert [listed.key for listed in list_entries(sound.cache, sound.link).entries] == [KEY]


def test_other_keys_are_left_as_they_are(sound: Sharers) -> None:
    scope = str(uuid4())
    sound.redis.hset(scope, "a", "b")
    of_another_type(sound.redis, sound.name(KEY))
    sound.use_all()
    assert sound.redis.hgetall(scope) == {b"a": b"b"}
