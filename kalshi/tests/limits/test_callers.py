"""A caller's own limit, in one process and shared through Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from kalshi.limits.callers import CallerLimits
from kalshi.redis_link import RedisLink, link_to
from kalshi.tests.cache.stores import redis_cache


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(link: RedisLink | None, clock: Clock) -> CallerLimits:
    return CallerLimits(link, clock=clock, monotonic=clock)


def passed(limits: CallerLimits, name: str, per_s: float, asked: int) -> int:
    return sum(limits.take(name, per_s).allowed for _ in range(asked))


@pytest.mark.parametrize(("per_s", "at_once"), [(5, 5), (2.5, 2), (1, 1), (0.1, 1)])
def test_a_second_s_worth_passes_at_once_and_then_as_many_as_come_back(
    limits: CallerLimits, clock: Clock, per_s: float, at_once: int
) -> None:
    name = uuid4().hex
    assert passed(limits, name, per_s, 20) == at_once
    refused = limits.take(name, per_s)
    assert refused.wait_s == pytest.approx(1 / per_s, abs=0.01)
    clock.now += refused.wait_s - 0.01
    assert not limits.take(name, per_s).allowed
    clock.now += 0.02
    assert passed(limits, name, per_s, 20) == 1
    clock.now += 1000
    assert passed(limits, name, per_s, 20) == at_once


def test_more_may_come_at_once_than_the_rate_says(limits: CallerLimits, clock: Clock) -> None:
    name = uuid4().hex
    assert [limits.take(name, 0.5, 30).allowed for _ in range(32)] == [True] * 30 + [False] * 2
    clock.now += 2.001
    assert [limits.take(name, 0.5, 30).allowed for _ in range(2)] == [True, False]


def test_refused_requests_cost_nothing(limits: CallerLimits, clock: Clock) -> None:
    name = uuid4().hex
    passed(limits, name, 1, 50)
    clock.now += 1.001
    assert limits.take(name, 1).allowed


def test_callers_do_not_share_a_limit(limits: CallerLimits) -> None:
    assert [passed(limits, uuid4().hex, 3, 10) for _ in range(2)] == [3, 3]


def test_a_new_limit_holds_at_once(limits: CallerLimits) -> None:
    name = uuid4().hex
    passed(limits, name, 100, 10)
    assert passed(limits, name, 2, 10) == 2


def test_a_clock_of_redis_that_is_set_back_lets_nobody_starve(redis_url: str, clock: Clock) -> None:
    with redis_cache(redis_url) as cache:
        limits, name = CallerLimits(link_to(cache), clock=clock), uuid4().hex
        passed(limits, name, 1, 5)
        clock.now -= 3600
        limits.take(name, 1)
        clock.now += 1.01
        assert limits.take(name, 1).allowed


def test_what_is_told_fits_what_happens(limits: CallerLimits, clock: Clock) -> None:
    taken = limits.take(uuid4().hex, 4)
    assert (taken.allowed, taken.level, taken.capacity, taken.wait_s) == (True, 3, 4, 0)
    assert taken.full_in_s == pytest.approx(0.25)


def test_many_threads_get_no_more_than_one(link: RedisLink | None, clock: Clock) -> None:
    limits, name = CallerLimits(link, clock=clock, monotonic=clock), uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: limits.take(name, 10).allowed, range(200)))
    assert sum(allowed) == 10


def test_processes_on_one_redis_share_a_limit(redis_url: str) -> None:
    with redis_cache(redis_url) as cache:
        clock, name = Clock(), uuid4().hex
        both = [CallerLimits(link_to(cache), clock=clock) for _ in range(2)]
        assert sum(passed(limits, name, 6, 10) for limits in both) == 6


def test_while_redis_is_lost_each_process_grants_its_part(own_redis: Any) -> None:
    with redis_cache(own_redis.url) as cache:
        clock, name = Clock(), uuid4().hex
        limits = CallerLimits(link_to(cache), alone=0.5, clock=clock, monotonic=clock)
        assert limits.take(name, 6).level == 5
        own_redis.stop()
        assert passed(limits, name, 6, 10) == 3
