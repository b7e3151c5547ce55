"""One outage for all who share something: noticed once, tried once a second, over by itself."""

import logging
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi.cache.caches import REDIS_TIMEOUT_S
from kalshi.cache.store import SharedStore
from kalshi.limits.budget import Budget
from kalshi.limits.shared_budget import SharedBudget
from kalshi.redis_link import RedisLost, link_to
from kalshi.tests.cache.stores import local_cache, redis_cache
from kalshi.tests.servers import wait_until


@pytest.fixture
def link(own_redis):
    with redis_cache(own_redis.url) as cache:
        yield link_to(cache)


def ping(link):
    return link.call(lambda redis: redis.ping())


def warnings_of(caplog):
    return [r.message for r in caplog.records if r.name.startswith("kalshi") and r.levelno >= logging.WARNING]


def test_there_is_no_link_without_redis():
    assert link_to(local_cache()) is None


def test_an_outage_seen_by_many_is_one_warning_and_its_end_another(own_redis, link, caplog):
    own_redis.stop()

    def try_it(_):
        with pytest.raises(RedisLost):
            ping(link)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(try_it, range(64)))
    own_redis.start()
    wait_until(lambda: _answers(link), 5)
    assert not link.down
    assert [("lost" in w, "back" in w) for w in warnings_of(caplog)] == [(True, False), (False, True)]


def _answers(link):
    try:
        return ping(link)
    except RedisLost:
        return False


def test_a_restart_between_two_calls_is_not_even_noticed(own_redis, link, caplog):
    assert ping(link)
    own_redis.stop()
    own_redis.start()
    assert ping(link)
    assert warnings_of(caplog) == []


def test_a_redis_that_hangs_costs_one_caller_a_second_its_time_out(own_redis, link):
    ping(link)
    own_redis._process.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(RedisLost):
            ping(link)
        slow, quick, until = [], [], time.monotonic() + 2.5
        lock = threading.Lock()

        def poll(_):
            while time.monotonic() < until:
                began = time.monotonic()
                with pytest.raises(RedisLost):
                    ping(link)
                took_s = time.monotonic() - began
                with lock:
                    (slow if took_s > REDIS_TIMEOUT_S / 2 else quick).append(took_s)
                time.sleep(0.002)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(poll, range(8)))
        assert 1 <= len(slow) <= 3
        assert max(slow) < 2 * REDIS_TIMEOUT_S
        assert len(quick) > 100
    finally:
        own_redis._process.send_signal(signal.SIGCONT)


def test_who_finds_the_outage_spares_all_others_the_time_out(own_redis, link):
    store = SharedStore(link)
    budget = SharedBudget(link, "test", "test:public", Budget(share=1.0), share=1.0)
    own_redis._process.send_signal(signal.SIGSTOP)
    try:
        store.get("key")
        began = time.monotonic()
        budget.acquire(10, charged=True, background=False, max_wait_s=1)
        assert time.monotonic() - began < REDIS_TIMEOUT_S / 2
    finally:
        own_redis._process.send_signal(signal.SIGCONT)
        store.close()


def test_a_process_starts_without_its_redis(own_redis, link):
    own_redis.stop()
    store = SharedStore(link)
    assert store.get("key") is None
    assert store.down
    store.close()
