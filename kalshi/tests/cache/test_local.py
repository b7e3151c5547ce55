import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.byte_lru import ByteLru
from kalshi.cache.local import BoundedMemoryCache
from kalshi.tests.cache.stores import local_cache

KB = 1024


def test_it_drops_the_least_recently_used_when_it_is_full():
    lru = ByteLru(10 * KB)
    for name in "abcd":
        lru.set(name, b"x" * 2 * KB, 60)
    lru.get("a")
    lru.set("e", b"x" * 2 * KB, 60)
    assert [name for name in "abcde" if lru.get(name)] == ["a", "c", "d", "e"]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 3000)), max_size=60))
def test_it_never_uses_more_than_its_bytes(writes):
    lru = ByteLru(5000)
    for key, size in writes:
        lru.set(key, b"x" * size, 60)
        assert lru.used_bytes <= 5000
    for key in "abcdef":
        lru.delete(key)
    assert lru.used_bytes == 0


def test_many_small_values_are_bounded_too():
    lru = ByteLru(100 * KB)
    for number in range(10_000):
        lru.set(str(number), b"", 60)
    assert len(lru.all_keys()) < 500


def test_a_value_larger_than_the_cache_is_not_stored_and_evicts_nothing():
    lru = ByteLru(4 * KB)
    lru.set("small", b"x", 60)
    assert not lru.set("huge", b"x" * 5 * KB, 60)
    assert lru.get("small") == b"x"
    assert lru.get("huge") is None


def test_values_expire():
    now = [100.0]
    lru = ByteLru(KB, clock=lambda: now[0])
    lru.set("key", b"x", 5)
    lru.set("for ever", b"x", None)
    now[0] = 104.9
    assert lru.get("key") == b"x"
    assert lru.touch("key", 10)
    now[0] = 114.9
    assert lru.get("key") is None
    assert not lru.touch("key", 10)
    assert lru.get("for ever") == b"x"
    assert lru.set("key", b"y", 5, only_new=True)
    assert not lru.set("key", b"z", 5, only_new=True)


def test_a_look_that_never_waits_finds_the_same_and_counts_as_a_use():
    now = [100.0]
    lru = ByteLru(10 * KB, clock=lambda: now[0])
    for name in "abcd":
        lru.set(name, b"x" * 2 * KB, 5)
    with lru._lock:
        assert lru.peek("a") == b"x" * 2 * KB
    assert lru.peek("b") == b"x" * 2 * KB
    lru.set("e", b"x" * 2 * KB, 60)
    assert [name for name in "abcde" if lru.peek(name)] == ["b", "c", "d", "e"]
    now[0] = 105.0
    assert lru.peek("b") is None


def test_it_keeps_only_bytes():
    with pytest.raises(TypeError, match="bytes"):
        local_cache().set("key", {"balance": 1})


def test_objects_of_one_location_share_their_memory():
    one, other = BoundedMemoryCache("shared by test", {}), BoundedMemoryCache("shared by test", {})
    assert one.set("key", b"value", 60)
    assert other.get("key") == b"value"
    assert other.add("key", b"another", 60) is False
    assert local_cache().get("key") is None
    other.clear()
    assert one.get("key") is None


def test_the_limit_comes_from_the_options():
    cache = local_cache(MAX_BYTES=2 * KB)
    assert not cache.set("key", b"x" * 3 * KB, 60)
    assert cache.set("key", b"x", 60)
    assert 0 < cache.used_bytes < 2 * KB


def test_threads_do_not_lose_count():
    lru = ByteLru(50 * KB)
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        for turn in range(500):
            lru.set(f"{number}-{turn % 40}", b"x" * (turn % 300), 60)
            lru.get(f"{(number + 1) % 8}-{turn % 40}")
            lru.delete(f"{(number + 2) % 8}-{turn % 40}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 <= lru.used_bytes <= 50 * KB
    for key in lru.all_keys():
        lru.delete(key)
    assert lru.used_bytes == 0
