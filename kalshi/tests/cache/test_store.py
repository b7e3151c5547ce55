"""One suite for both stores, then what only a lost Redis shows."""

import logging

import pytest
from django_redis.cache import RedisCache

from kalshi.cache.entry import Entry
from kalshi.cache.serializer import RawBytesSerializer
from kalshi.cache.store import Store
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
        Store(cache).set("key", entry_of(keep_s=500))
        assert 499_000 < cache.pttl("key") <= 500_000


def test_the_serializer_refuses_what_is_not_bytes():
    with pytest.raises(TypeError, match="bytes"):
        RawBytesSerializer({}).dumps({"balance": 1})


class Outage:
    """A store over a Redis that can be stopped, with a clock of its own for the retry interval."""

    def __init__(self, server, cache) -> None:
        self.server, self.cache = server, cache
        self.now_s = 0.0
        self.store = Store(cache, monotonic=lambda: self.now_s)


@pytest.fixture
def outage(own_redis):
    with redis_cache(own_redis.url) as cache:
        yield Outage(own_redis, cache)


def warnings_of(caplog):
    return [
        r.message for r in caplog.records if r.name == "kalshi.cache.store" and r.levelno >= logging.WARNING
    ]


def test_a_lost_redis_is_one_warning_and_no_error(outage, caplog):
    outage.store.set("known", entry_of("known"))
    outage.server.stop()
    for _ in range(5):
        assert outage.store.get("known") == entry_of("known")
        assert outage.store.get("unknown") is None
        outage.now_s += 2
    assert outage.store.set("new", entry_of("new"))
    assert outage.store.get("new") == entry_of("new")
    outage.store.delete("new")
    assert outage.store.get("new") is None
    assert outage.store.down
    [warning] = warnings_of(caplog)
    assert "lost" in warning
    assert outage.server.url not in warning


def test_what_others_stored_is_still_there_after_it_was_read_once(outage):
    Store(outage.cache).set("key", entry_of())
    outage.store.get("key")
    outage.server.stop()
    assert outage.store.get("key") == entry_of()


def test_a_dead_redis_is_asked_once_a_second_only(outage, monkeypatch):
    outage.server.stop()
    outage.store.get("key")
    asked = []
    monkeypatch.setattr(outage.cache, "get", lambda key: asked.append(key) or _refuse())
    for _ in range(10):
        outage.store.get("key")
    assert asked == []
    outage.now_s += 1.0
    for _ in range(10):
        outage.store.get("key")
    assert asked == ["key"]


def _refuse():
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


def test_an_emptied_redis_gets_its_entries_back_from_the_copies(outage):
    outage.store.set("key", entry_of())
    outage.server.stop()
    outage.store.get("key")
    outage.server.start()
    outage.now_s += 1.0
    outage.store.get("anything")
    assert outage.store.get("key") == entry_of()
    assert outage.cache.get("key") == entry_of().pack()


def test_a_copy_is_put_back_only_once_and_only_soon_after_the_return(outage):
    for key in ("purged", "late"):
        outage.store.set(key, entry_of(key))
    outage.server.stop()
    outage.store.get("purged")
    outage.server.start()
    outage.now_s += 1.0
    outage.store.get("anything")
    assert outage.store.get("purged") == entry_of("purged")
    outage.cache.delete("purged")  # by another process
    assert outage.store.get("purged") is None
    outage.now_s += 61.0
    assert outage.store.get("late") is None


def test_a_purge_by_another_process_is_obeyed_while_redis_is_well(outage):
    outage.store.set("key", entry_of())
    outage.cache.delete("key")
    assert outage.store.get("key") is None


def test_a_redis_that_answers_with_errors_is_an_outage_too(outage, caplog):
    outage.store.set("key", entry_of())
    outage.cache.client.get_client().config_set("maxmemory", "1")
    assert outage.store.set("another", entry_of("another"))
    assert outage.store.get("another") == entry_of("another")
    assert len(warnings_of(caplog)) == 1
