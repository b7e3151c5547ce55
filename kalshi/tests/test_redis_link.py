"""One outage for all who share something: noticed once, tried once a second, over by itself."""

import logging
import signal
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from unittest import mock

import pytest

from kalshi.cache.caches import REDIS_TIMEOUT_S
from kalshi.cache.store import SharedStore
from kalshi.limits.budget import Budget
from kalshi.limits.shared_budget import SharedBudget
from kalshi.redis_link import RETRY_S, RedisLink, RedisLost, link_to
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


class Wire:
    """Answers when told to: a Redis whose commands are under way for as long as a test wants."""

    def __init__(self):
        self.pending = {}

    def begin(self, pool, link, name):
        """Send a command, and return what `call` will once it is under way."""
        sent, answer = threading.Event(), Future()
        self.pending[name] = answer

        def command(_):
            sent.set()
            return answer.result(10)

        ends = pool.submit(link.call, command)
        assert sent.wait(5)
        return ends


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def wired(now):
    return RedisLink(mock.Mock(), str, monotonic=lambda: now[0])


def fail(_):
    raise ConnectionError


def lose(link):
    with pytest.raises(RedisLost):
        link.call(fail)


def test_a_command_that_began_before_the_recovery_and_fails_after_it_is_no_second_outage(
    wire, wired, now, caplog
):
    with ThreadPoolExecutor(1) as pool:
        late = wire.begin(pool, wired, "late")
        lose(wired)
        now[0] = RETRY_S
        assert wired.call(lambda _: True)
        wire.pending["late"].set_exception(ConnectionError())
        with pytest.raises(RedisLost):
            late.result(5)
    assert not wired.down
    assert [("lost" in w, "back" in w) for w in warnings_of(caplog)] == [(True, False), (False, True)]


def test_an_answer_to_a_command_that_began_before_the_outage_does_not_end_it(wire, wired, now, caplog):
    with ThreadPoolExecutor(1) as pool:
        early = wire.begin(pool, wired, "early")
        lose(wired)
        wire.pending["early"].set_result("an answer")
        assert early.result(5) == "an answer"
    assert wired.down
    assert len(warnings_of(caplog)) == 1
    now[0] = RETRY_S
    assert wired.call(lambda _: True)
    assert not wired.down


def test_late_failures_of_one_outage_do_not_put_off_the_next_try(wire, wired, now):
    with ThreadPoolExecutor(1) as pool:
        late = wire.begin(pool, wired, "late")
        lose(wired)
        now[0] = RETRY_S / 2
        wire.pending["late"].set_exception(ConnectionError())
        with pytest.raises(RedisLost):
            late.result(5)
    now[0] = RETRY_S
    assert wired.call(lambda _: True)


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
