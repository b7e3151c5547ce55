"""What one account asks for never pushes out what another account, or everybody, has in the cache."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi import errors
from kalshi.byte_lru import ByteLru
from kalshi.byte_table import ITEM_OVERHEAD
from kalshi.cache import store as stores
from kalshi.cache.entry import Entry
from kalshi.cache.keys import Scope, cache_key, owner_of
from kalshi.cache.local import DEFAULT_MAX_BYTES, BoundedMemoryCache
from kalshi.cache.store import SharedStore, open_store
from kalshi.redis_link import link_to
from kalshi.tests.cache.drills import POLICY, Drill
from kalshi.tests.cache.stores import local_cache, redis_cache

KB = 1024
DEFAULT, FUND = (Scope("demo", "api.example.com", account, "0123abcd") for account in ("default", "8f2e-11"))


def key(scope: Scope, question: object, *, signed: bool = True) -> str:
    return cache_key(scope, "get_orders" if signed else "get_markets", signed, f"/q/{question}")


def test_200_large_questions_of_one_account_leave_all_others_their_copies_for_an_outage() -> None:
    drill = Drill(open_store(local_cache(MAX_BYTES=1024 * KB)))
    kept = [key(FUND, n) for n in range(10)] + [key(DEFAULT, n, signed=False) for n in range(10)]
    for one in kept:
        drill.warm(body=b"x" * 5 * KB, key=one)
    for number in range(200):
        drill.warm(body=b"x" * 50 * KB, key=key(DEFAULT, number))
    drill.now += 140
    drill.upstream.error = errors.UpstreamUnavailable("down")
    assert [drill.read(POLICY, key=one).detail for one in kept] == ["upstream_unavailable"] * len(kept)
    assert drill.through.peek(key(DEFAULT, 199)), "and the one who asks has a share, too"
    drill.close()


def test_copies_of_a_lost_redis_are_shared_in_the_same_way(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "COPIES_BYTES", 1024 * KB)
    with redis_cache(redis_url) as cache:
        link = link_to(cache)
        assert link is not None
        store = SharedStore(link)
        kept = [key(FUND, 1), key(DEFAULT, 1, signed=False)]
        for name in [*kept, *(key(DEFAULT, number) for number in range(200))]:
            store.set(name, Entry.of(name, 200, b"x" * 50 * KB, fetched_at=1e6, fresh_s=60, keep_s=3600))
        assert [store.hot(name) is not None for name in kept] == [True, True]
        assert store._copies.used_bytes <= 1024 * KB
        store.close()


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        (key(DEFAULT, 1), "default"),
        (key(FUND, 1), "8f2e-11"),
        (key(FUND, "long" * 200), "8f2e-11"),
        (key(FUND, 1, signed=False), ""),
        (":1:" + key(FUND, 1), "8f2e-11"),
        (key(Scope("demo", "public", "public", "0123abcd"), 1), "public"),
        (key(Scope("demo", "h" * 200, "default", "0123abcd"), 1), "?"),
        ("anything", "?"),
    ],
)
def test_the_key_tells_whose_memory_an_entry_takes(name: str, owner: str) -> None:
    assert owner_of(name) == owner
    assert owner_of(f"prefix:1:{name}") == owner


def test_an_account_of_another_key_has_the_same_share() -> None:
    other = Scope("demo", "api.example.com", "default", "ffffffff")
    assert owner_of(key(other, 1)) == owner_of(key(DEFAULT, 1))


MAX = 8 * KB
SHARES = {"": MAX // 2, "a": MAX // 4, "b": MAX // 4}
WRITES = st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 30), st.integers(0, 1500)))


@given(WRITES)
def test_nobody_has_less_than_in_a_cache_of_the_size_of_the_share(
    writes: list[tuple[str, int, int]],
) -> None:
    lru: ByteLru[bytes] = ByteLru(MAX, size=len, owner=lambda name: name.partition("/")[0])
    own: dict[str, OrderedDict[str, int]] = {owner: OrderedDict() for owner in SHARES}
    for owner, number, size in writes:
        name = f"{owner}/{number}"
        lru.set(name, b"x" * size, None)
        mine = own[owner]
        mine.pop(name, None)
        mine[name] = size + name.__sizeof__() + ITEM_OVERHEAD
        while sum(mine.values()) > SHARES[owner]:
            mine.popitem(last=False)
        assert lru.used_bytes <= MAX
        assert {name for mine in own.values() for name in mine} <= set(lru.all_keys())


def test_one_account_alone_may_use_what_nobody_else_needs() -> None:
    lru: ByteLru[bytes] = ByteLru(MAX, size=len, owner=lambda name: name.partition("/")[0])
    for number in range(7):
        assert lru.set(f"a/{number}", b"x" * 700, None)
    assert len(lru.all_keys()) == 7
    assert lru.used_bytes > SHARES["a"]


def test_all_in_all_it_is_256_mb() -> None:
    assert DEFAULT_MAX_BYTES == 256 * 2**20
    assert BoundedMemoryCache("the bound by test", {}).memory.max_bytes == DEFAULT_MAX_BYTES
