from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.limits.bucket import Bucket
from kalshi.limits.throttle import RECOVERY_S, Throttle
from kalshi.limits.window import SlidingWindow

requests = st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 30)), min_size=1, max_size=25)


@given(st.floats(1, 100), st.floats(0.5, 50), requests)
def test_no_window_holds_more_than_capacity_and_refill(capacity, refill_per_s, requests):
    bucket = Bucket(capacity, refill_per_s, capacity, 0.0)
    now, due = 0.0, []
    for pause_s, cost in requests:
        now += pause_s
        bucket = bucket.at(now)
        due.append((now + bucket.wait_s(cost), cost))
        bucket = bucket.spent(cost)
    burst = max(capacity, *(cost for _, cost in requests))
    for first, last in combinations_with_replacement(range(len(due)), 2):
        spent = sum(cost for _, cost in due[first : last + 1])
        assert spent <= burst + refill_per_s * (due[last][0] - due[first][0]) + 1e-3


@given(st.floats(1, 100), st.floats(0.5, 50), requests)
def test_who_comes_later_is_never_served_earlier(capacity, refill_per_s, requests):
    bucket = Bucket(capacity, refill_per_s, capacity, 0.0)
    now, last = 0.0, 0.0
    for pause_s, _ in requests:
        now += pause_s
        bucket = bucket.at(now)
        due = now + bucket.wait_s(1.0)
        assert due >= last - 1e-6
        bucket, last = bucket.spent(1.0), due


def test_a_cost_above_the_capacity_waits_for_a_full_bucket_and_is_paid_off_after():
    bucket = Bucket(10, 2, 4, 0.0)
    assert bucket.wait_s(30) == 3.0
    bucket = bucket.at(3.0)
    assert bucket.wait_s(30) == 0.0
    assert bucket.spent(30).level == -20
    assert bucket.spent(30).wait_s(10) == 15.0


def test_a_clock_that_steps_back_gives_no_tokens_and_takes_none():
    bucket = Bucket(10, 2, 4, 100.0)
    assert bucket.at(50.0).level == 4
    assert bucket.at(50.0).at(101.0).level == 6


def test_new_limits_keep_what_fits():
    assert Bucket(600, 200, 500, 0).resized(300, 100).level == 300
    assert Bucket(300, 100, 200, 0).resized(900, 300).level == 200
    assert Bucket(300, 100, -50, 0).resized(900, 300).level == -50


later = st.floats(0, 90) | st.just(0.0)


@given(st.integers(1, 10), st.lists(st.tuples(st.floats(0, 40), later), min_size=1, max_size=40))
def test_no_sixty_seconds_hold_more_than_the_cap(limit, requests):
    """Also when some leave later than the window asks, because they wait for tokens as well."""
    window, now, due = SlidingWindow(limit), 0.0, []
    for pause_s, later_s in requests:
        now += pause_s
        due.append(now + window.wait_s(now) + later_s)
        window.add(due[-1], now)
    for start in due:
        assert sum(start <= moment < start + 60 - 1e-3 for moment in due) <= limit


def test_a_free_place_in_the_minute_is_used_at_once():
    window = SlidingWindow(2)
    for now in (0.0, 10.0):
        assert window.wait_s(now) == 0
        window.add(now, now)
    assert window.wait_s(20.0) == 40.0
    assert window.wait_s(60.0) == 0.0


@pytest.mark.parametrize(("after_s", "factor"), [(0, 0.5), (30, 0.75), (60, 1.0), (1000, 1.0)])
def test_after_a_429_the_rate_is_halved_and_recovers_within_a_minute(after_s, factor):
    assert Throttle().limited(100.0).factor(100.0 + after_s) == factor


def test_one_burst_of_429s_counts_once_and_the_rate_never_reaches_zero():
    throttle = Throttle()
    for moment in (0.0, 0.2, 0.9):
        throttle = throttle.limited(moment)
    assert throttle.factor(0.0) == 0.5
    for moment in range(2, 40):
        throttle = throttle.limited(float(moment))
    assert throttle.factor(39.0) >= 0.1
    assert throttle.factor(39.0 + RECOVERY_S) == 1.0
