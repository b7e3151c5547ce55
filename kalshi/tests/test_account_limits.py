"""Who asks Kalshi for the account's limits, and when; what one process learns, the others know."""

import threading
from uuid import uuid4

import pytest

from kalshi import errors
from kalshi.limits.budget import Budget
from kalshi.limits.shelf import CLAIM_S, Learned, Shelf
from kalshi.redis_link import link_to
from kalshi.services import account_limits
from kalshi.services.account_limits import AccountLimits
from kalshi.tests.cache.stores import redis_cache
from kalshi.tests.servers import wait_until
from kalshi.upstream.client import Fetched

COSTS = b'{"default_cost":10,"endpoint_costs":[]}'


class Exchange:
    """Answers with the tier it was told, and counts."""

    def __init__(self):
        self.tier = "basic"
        self.asked = []
        self.error = None

    def fetch(self, call, *, request_id):
        self.asked.append(call.endpoint.operation)
        if self.error:
            raise self.error
        limits = b'{"usage_tier":"%s","read":{"refill_rate":300,"bucket_capacity":900}}' % self.tier.encode()
        return Fetched(limits if "limits" in call.endpoint.operation else COSTS, 200, {})


@pytest.fixture
def exchange():
    return Exchange()


@pytest.fixture
def clock(monkeypatch):
    """Hours to turn, on both of the clocks that are read."""

    class Clock:
        now = 1_000_000.0
        set_back_s = 0.0

        def monotonic(self):
            return self.now

        def time(self):
            return self.now - self.set_back_s

    made = Clock()
    monkeypatch.setattr(account_limits, "time", made)
    return made


@pytest.fixture(params=["one process", "redis"])
def process(request, exchange):
    """Makes one more process of an installation."""
    if request.param == "one process":
        yield lambda: AccountLimits(exchange, Budget(share=1.0), can_sign=True)
        return
    with redis_cache(request.getfixturevalue("redis_url")) as cache:
        link, account = link_to(cache), f"test:{uuid4()}"
        yield lambda: AccountLimits(exchange, Budget(share=1.0), Shelf(link, account), can_sign=True)


@pytest.fixture
def two(redis_url, exchange, clock):
    """Two processes on one Redis."""
    with redis_cache(redis_url) as cache:
        link, account = link_to(cache), f"test:{uuid4()}"
        yield [AccountLimits(exchange, Budget(share=1.0), Shelf(link, account), can_sign=True) for _ in "12"]


def learn(limits):
    """As a successful call does; wait for the thread that it may start."""
    limits.learn_soon()
    wait_until(lambda: not any(thread.name == "kalshi-limits" for thread in threading.enumerate()), 20)


def tier(limits):
    return limits._budget.granted.tier


def test_both_documents_are_asked_for_once_an_hour(process, exchange, clock):
    limits = process()
    for _ in range(3):
        learn(limits)
        clock.now += 1700
    assert exchange.asked == ["get_account_api_limits", "get_account_endpoint_costs"]
    assert tier(limits) == "basic"
    clock.now += 300
    learn(limits)
    assert len(exchange.asked) == 4


def test_after_a_429_they_are_asked_for_again_but_not_at_every_429(process, exchange, clock):
    limits = process()
    learn(limits)
    clock.now += 100
    exchange.tier = "advanced"
    for _ in range(5):
        limits.learn_again()
        learn(limits)
        clock.now += 5
    assert len(exchange.asked) == 4
    assert tier(limits) == "advanced"


def test_after_a_failure_the_next_attempt_is_a_minute_away(process, exchange, clock, caplog):
    limits = process()
    exchange.error = errors.UpstreamUnavailable("down")
    for _ in range(5):
        learn(limits)
        clock.now += 10
    assert exchange.asked == ["get_account_api_limits"]
    assert "upstream_unavailable" in caplog.text


def test_after_the_clock_was_set_back_they_are_asked_for_as_ever(process, exchange, clock):
    limits = process()
    learn(limits)
    clock.set_back_s = 86_400.0
    clock.now += 3600
    learn(limits)
    assert len(exchange.asked) == 4, "when an hour is over"
    clock.now += 100
    limits.learn_again()
    learn(limits)
    assert len(exchange.asked) == 6, "after a 429"


@pytest.mark.parametrize("set_back_s", [60.0, 150.0, 86_400.0])
def test_a_429_from_before_the_clock_was_set_back_is_answered_once(process, exchange, clock, set_back_s):
    limits = process()
    learn(limits)
    clock.now += 100
    limits.learn_again()
    clock.set_back_s = set_back_s
    for _ in range(5):
        learn(limits)
        clock.now += 20
    assert len(exchange.asked) == 4
    limits.learn_again()
    learn(limits)
    assert len(exchange.asked) == 6


def test_what_one_process_learned_the_others_take_over(two, exchange, clock):
    one, other = two
    learn(one)
    learn(other)
    assert tier(other) == "basic"
    assert len(exchange.asked) == 2
    clock.now += 100
    exchange.tier = "advanced"
    one.learn_again()
    learn(one)
    clock.now += 20
    learn(other)
    assert tier(other) == "advanced"
    assert len(exchange.asked) == 4


def test_while_one_asks_the_others_do_not(two, exchange, clock):
    one, other = two
    assert one._shelf.claim()
    learn(other)
    assert exchange.asked == []
    assert tier(other) is None
    one._shelf.put(Learned(clock.now, b'{"usage_tier":"prime","read":{}}', COSTS))
    clock.now += 5
    learn(other)
    assert tier(other) == "prime"
    assert exchange.asked == []


def test_without_redis_a_process_asks_for_itself(own_redis, exchange, clock):
    with redis_cache(own_redis.url) as cache:
        limits = AccountLimits(exchange, Budget(share=1.0), Shelf(link_to(cache), "test"), can_sign=True)
        own_redis.stop()
        learn(limits)
        clock.now += 100
        learn(limits)
        assert tier(limits) == "basic"
        assert len(exchange.asked) == 2


def test_the_shelf_believes_nothing_odd_and_forgets_in_the_end(redis_url):
    with redis_cache(redis_url) as cache:
        link = link_to(cache)
        shelf = Shelf(link, "test:odd")
        learned = Learned(1.5, None, COSTS)
        shelf.put(learned)
        assert shelf.get() == learned
        name = link.name("kalshi:1:learned:test:odd")
        assert 0 < link.call(lambda redis: redis.ttl(name)) <= 86_400
        for odd in (
            b"",
            b"{}",
            b"[1]",
            b'{"at":"x","limits":null,"costs":""}',
            b'{"at":1,"limits":5,"costs":""}',
        ):
            link.call(lambda redis, odd=odd: redis.set(name, odd))
            assert shelf.get() is None
        assert shelf.claim() and not shelf.claim()
        left = link.call(lambda redis: redis.ttl(link.name("kalshi:1:learning:test:odd")))
        assert 0 < left <= CLAIM_S
