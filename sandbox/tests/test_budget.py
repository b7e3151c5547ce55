"""Requests are charged by cost; an empty bucket answers 429 in the recorded shape."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.budget import TIERS, TokenBucket
from sandbox.tests.client import Sandbox


def test_a_bucket_refuses_what_it_cannot_pay_and_refills() -> None:
    bucket = TokenBucket(rate=200, capacity=600, now=50)
    assert [bucket.take(10, 50) for _ in range(61)] == [True] * 60 + [False]
    assert not bucket.take(10, 50.03125)
    assert bucket.take(10, 50.0625)
    assert not bucket.take(10, 50.0625)
    assert bucket.take(600, 1000)
    assert not bucket.take(1, 999)


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from([2, 10, 50])), max_size=200))
def test_no_schedule_gets_more_than_capacity_and_refill(steps: list[tuple[float, int]]) -> None:
    bucket = TokenBucket(rate=100, capacity=300, now=0)
    now, paid = 0.0, 0
    for wait, cost in steps:
        now += wait
        paid += cost * bucket.take(cost, now)
        assert paid <= 300 + 100 * now + 1e-6


def test_the_limits_are_those_of_the_tier(starting: Callable[..., Sandbox]) -> None:
    sandbox = starting("--tier", "basic")
    assert sandbox.body("/account/limits") == {
        "usage_tier": "basic",
        "read": {"refill_rate": 200, "bucket_capacity": 600},
        "write": {"refill_rate": 100, "bucket_capacity": 100},
        "grants": [],
    }
    accepted = 1
    while (answer := sandbox.get("/exchange/status")).status_code == 200:
        accepted += 1
        assert accepted < 2_000
    assert accepted >= 60
    assert answer.status_code == 429
    assert answer.json() == {"error": {"code": "too_many_requests", "message": "too many requests"}}
    assert answer.headers["cache-control"] == "no-store"
    assert "retry-after" not in answer.headers
    stats = sandbox.stats()
    assert stats["rejected"]["429"] == 1
    assert stats["tokens_used"] == 10 * accepted
    assert sandbox.get("/exchange/status", key=None).status_code == 200


def test_looking_up_one_order_is_cheap_and_announced(frozen: Sandbox) -> None:
    order_id = frozen.body("/portfolio/orders?limit=1")["orders"][0]["order_id"]
    before = frozen.stats()["tokens_used"]
    frozen.body(f"/portfolio/orders/{order_id}")
    assert frozen.stats()["tokens_used"] == before + 2
    announced = frozen.body("/account/endpoint_costs")
    assert announced["default_cost"] == 10
    assert {"method": "GET", "path": "/trade-api/v2/portfolio/orders/:order_id", "cost": 2} in announced[
        "endpoint_costs"
    ]


@pytest.mark.parametrize(
    ("tier", "rate", "capacity"), [("basic", 200, 600), ("advanced", 300, 900), ("prime", 4800, 4800)]
)
def test_tiers_have_the_published_numbers(tier: str, rate: int, capacity: int) -> None:
    assert (TIERS[tier].read_rate, TIERS[tier].read_capacity) == (rate, capacity)
