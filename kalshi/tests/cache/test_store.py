"""One suite for both stores, then what only a lost Redis shows."""

import logging

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django_redis.cache import RedisCache

from kalshi.cache.entry import Entry
from kalshi.cache.serializer import RawBytesSerializer
from kalshi.cache.store import SharedStore, open_store
from kalshi.errors import ConfigError
from kalshi.redis_link import RedisLink
from kalshi.tests.cache.stores import redis_cache

BODY = b'{ "balance" : 1.50,\n "name":"\\u00e9" }'


def entry_of(key: str = "key", body: bytes = BODY, keep_s: float = 3600) -> Entry:
    return Entry.of(key, 200, body, fetched_at=1000.0, fresh_s=60.0, keep_s=keep_s)


def test_it_gives_back_the_very_entry(store):
    assert store.get("key") is None
    assert store.set("key", entry_of())
    assert store.get("key") == entry_of()


def test_it_forgets_on_request(store):
    store.set("key", entry_of())
    store.delete("key")
    assert store.get("key") is None


def test_a_copy_under_another_key_is_not_believed(store, cache):
    cache.set("mine", entry_of("yours").pack())
    assert store.get("mine") is None


@pytest.mark.parametrize("damage", [b"", b"KAL1", b"12345", b"\x80\x04K\x01.", entry_of().pack()[:-1]])
def test_damage_is_a_miss(store, cache, damage):
    cache.set("key", damage)
    assert store.get("key") is None
    assert store.set("key", entry_of())
    assert store.get("key") == entry_of()


def test_an_entry_is_dropped_after_its_keep_time(store):
    store.set("key", entry_of(keep_s=0))
    assert store.get("key") is None


def test_the_cache_holds_exactly_the_packed_bytes(store, cache):
    store.set("key", entry_of())
    assert cache.get("key") == entry_of().pack()
    if isinstance(cache, RedisCache):
        raw = cache.client.get_client().get(cache.make_key("key"))
        assert raw == entry_of().pack()
        assert BODY in raw


def test_redis_expires_entries_with_their_keep_time(redis_url):
    with redis_cache(redis_url) as cache:
        open_store(cache).set("key", entry_of(keep_s=500))
        assert 499_000 < cache.pttl("key") <= 500_000


def test_the_serializer_refuses_what_is_not_bytes():
    with pytest.raises(TypeError, match="bytes"):
        RawBytesSerializer({}).dumps({"balance": 1})


class Outage:
    """Two processes' stores over a Redis that can be stopped, with a clock to turn."""

    def __init__(self, server, cache) -> None:
        self.server, self.cache = server, cache
        self.now_s = 0.0
        self.store, self.other = self.process(), self.process()

    def process(self):
        client = self.cache.client.get_client()
        store = SharedStore(RedisLink(client, self.cache.make_key, monotonic=lambda: self.now_s))
        store.close()  # copies are compared in the background when the test says so
        return store

    def restart(self):
        self.server.stop()
        self.server.start()
        self.now_s += 1.0


@pytest.fixture
def outage(own_redis):
    with redis_cache(own_redis.url) as cache:
        yield Outage(own_redis, cache)


@pytest.fixture
def shared(redis_url):
    """As above, over the Redis that stays."""
    with redis_cache(redis_url) as cache:
        yield Outage(None, cache)


def warnings_of(caplog):
    return [r.message for r in caplog.records if r.name.startswith("kalshi") and r.levelno >= logging.WARNING]


def test_hot_gives_the_very_same_object_each_time(store):
    assert store.hot("key") is None
    store.set("key", entry_of())
    first = store.hot("key")
    assert first == entry_of()
    assert store.hot("key") is first
    assert store.get("key") is first
    store.delete("key")
    assert store.hot("key") is None


def test_hot_believes_no_other_keys_entry(store, cache):
    cache.set("mine", entry_of("yours").pack())
    store.get("mine")
    assert store.hot("mine") is None


def test_a_copy_is_used_for_one_second_and_then_compared(shared):
    shared.store.set("key", entry_of(body=b'{"n":1}'))
    first = shared.store.hot("key")
    shared.other.set("key", entry_of(body=b'{"n":2}'))
    shared.now_s += 0.99
    assert shared.store.hot("key") is first
    assert shared.store.get("key") is first
    shared.now_s += 0.01
    assert shared.store.hot("key") is None
    assert shared.store.get("key").body == b'{"n":2}'
    assert shared.store.hot("key").body == b'{"n":2}'


def test_comparing_a_copy_that_is_still_right_fetches_no_body(shared):
    shared.store.set("key", entry_of(body=b"x" * 1_000_000))
    first = shared.store.hot("key")
    before = bytes_sent(shared.cache)
    shared.now_s += 1.5
    assert shared.store.get("key") is first
    assert shared.store.hot("key") is first
    assert bytes_sent(shared.cache) - before < 100_000


def bytes_sent(cache):
    return cache.client.get_client().info("stats")["total_net_output_bytes"]


def test_copies_in_use_are_compared_in_the_background(shared):
    shared.store.set("key", entry_of(body=b'{"n":1}'))
    shared.store.hot("key")
    shared.now_s += 0.5
    shared.other.set("key", entry_of(body=b'{"n":2}'))
    assert shared.store.compare_those_in_use()
    assert shared.store.hot("key").body == b'{"n":2}'
    shared.now_s += 0.9
    assert shared.store.compare_those_in_use()
    shared.now_s += 0.9
    assert shared.store.hot("key").body == b'{"n":2}'
    shared.now_s += 11
    assert not shared.store.compare_those_in_use()


def test_a_purge_by_another_process_is_obeyed_within_a_second(shared):
    shared.store.set("key", entry_of())
    shared.other.delete("key")
    shared.now_s += 1.0
    assert shared.store.get("key") is None
    assert shared.store.hot("key") is None


def test_the_copies_are_bounded(shared, monkeypatch):
    shared.store._copies.max_bytes = 50_000
    for number in range(20):
        shared.store.set(f"key {number}", entry_of(f"key {number}", b"x" * 10_000))
    assert shared.store._copies.used_bytes <= 50_000
    assert shared.store.get("key 0") == entry_of("key 0", b"x" * 10_000)


def test_another_kind_of_cache_is_refused_with_the_remedy():
    with pytest.raises(ConfigError, match="cache_settings"):
        open_store(LocMemCache("x", {}))


def test_a_lost_redis_is_one_warning_and_no_error(outage, caplog):
    outage.store.set("known", entry_of("known"))
    outage.server.stop()
    for _ in range(5):
        outage.now_s += 2
        assert outage.store.get("known") == entry_of("known")
        assert outage.store.get("unknown") is None
    assert outage.store.set("new", entry_of("new"))
    assert outage.store.get("new") == entry_of("new")
    outage.store.delete("new")
    assert outage.store.get("new") is None
    assert outage.store.down
    [warning] = warnings_of(caplog)
    assert "lost" in warning
    assert outage.server.url not in warning


def test_what_others_stored_is_still_there_after_it_was_read_once(outage):
    outage.other.set("key", entry_of())
    outage.store.get("key")
    outage.server.stop()
    outage.now_s += 5
    assert outage.store.get("key") == entry_of()


def test_a_dead_redis_is_asked_once_a_second_only(outage):
    asked = []
    outage.store.set("key", entry_of())
    outage.store._link._client = Refusing(asked)
    outage.now_s += 1
    for _ in range(10):
        assert outage.store.get("key") == entry_of()
        assert outage.store.hot("key") == entry_of()
        assert outage.store.get("unknown") is None
    assert len(asked) == 1
    outage.now_s += 1.0
    assert outage.store.hot("key") is None  # somebody must look whether Redis is back
    for _ in range(10):
        outage.store.get("key")
    assert len(asked) == 2


class Refusing:
    """A client of a Redis that is not there."""

    def __init__(self, asked):
        self._asked = asked

    def __getattr__(self, name):
        self._asked.append(name)
        raise ConnectionRefusedError


def test_it_comes_back_by_itself(outage, caplog):
    outage.server.stop()
    outage.store.set("key", entry_of())
    outage.server.start()
    assert outage.store.down
    outage.now_s += 1.0
    assert outage.store.set("other", entry_of("other"))
    assert not outage.store.down
    assert outage.cache.get("other") == entry_of("other").pack()
    assert [("lost" in w, "back" in w) for w in warnings_of(caplog)] == [(True, False), (False, True)]


def test_what_was_stored_during_an_outage_reaches_the_others_after_it(outage):
    outage.store.set("before", entry_of("before", b'{"n":1}'))
    outage.server.stop()
    outage.store.set("key", entry_of())
    outage.server.start()
    outage.now_s += 1.0
    assert outage.store.get("key") == entry_of()
    assert outage.other.get("key") == entry_of()


def test_what_another_process_fetched_later_is_not_overwritten(outage):
    outage.server.stop()
    outage.store.set("key", entry_of(body=b'{"n":1}'))
    outage.server.start()
    newer = Entry.of("key", 200, b'{"n":2}', fetched_at=1001.0, fresh_s=60, keep_s=3600)
    outage.other.set("key", newer)
    outage.now_s += 1.0
    assert outage.store.get("key") == newer
    assert outage.cache.get("key") == newer.pack()


@pytest.mark.parametrize("noticed", [True, False])
def test_an_emptied_redis_gets_its_entries_back_from_the_copies(outage, noticed):
    for key in ("key", "second"):
        outage.store.set(key, entry_of(key))
    outage.server.stop()
    if noticed:
        outage.now_s += 1.0
        outage.store.get("key")
    outage.server.start()
    outage.now_s += 1.0
    for key in ("key", "second"):
        assert outage.store.get(key) == entry_of(key)
        assert outage.cache.get(key) == entry_of(key).pack()


def test_a_copy_is_put_back_only_once_and_only_soon_after_the_return(outage):
    for key in ("purged", "late"):
        outage.store.set(key, entry_of(key))
    outage.restart()
    assert outage.store.get("purged") == entry_of("purged")
    outage.other.delete("purged")
    outage.now_s += 1.0
    assert outage.store.get("purged") is None
    outage.now_s += 61.0
    assert outage.store.get("late") is None


def test_a_redis_that_answers_with_errors_is_an_outage_too(outage, caplog):
    outage.store.set("key", entry_of())
    outage.cache.client.get_client().config_set("maxmemory", "1")
    assert outage.store.set("another", entry_of("another"))
    assert outage.store.get("another") == entry_of("another")
    assert len(warnings_of(caplog)) == 1
