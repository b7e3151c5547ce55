"""Many callers, few upstream requests."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi.tests.servers import Gateway, Sandbox

API = "/api/v1/kalshi/"
ENDPOINTS = {
    "balance/": "get_balance",
    "positions/": "get_positions",
    "orders/": "get_orders",
    "events/": "get_events",
}


def test_two_hundred_callers_of_a_cold_key_cause_one_request(gateway: Gateway, sandbox: Sandbox) -> None:
    sandbox.fault("latency", latency_ms=1000, operations=["get_orders"])
    with ThreadPoolExecutor(200) as threads:
        answers = list(threads.map(lambda _: gateway.get(API + "orders/?limit=11"), range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sandbox.arrivals("get_orders") == 1
    kinds = {answer.headers["Cache-Status"].split("ttl")[0] for answer in answers}
    assert "kalshi; fwd=miss; stored" in kinds and "kalshi; fwd=miss; collapsed" in kinds


def poll(gateway: Gateway, sandbox: Sandbox, *, seconds: float, fresh_s: int, callers: int) -> dict[str, int]:
    """Upstream requests by operation while the callers poll every endpoint without a pause."""
    gateway.set_policies(fresh_s=fresh_s)
    before = sandbox.stats()["requests"]
    until = time.monotonic() + seconds

    def one(_: int) -> set[int]:
        statuses = set()
        while time.monotonic() < until:
            statuses |= {gateway.get(API + route).status_code for route in ENDPOINTS}
        return statuses

    with ThreadPoolExecutor(callers) as threads:
        assert set().union(*threads.map(one, range(callers))) == {200}
    after = sandbox.stats()["requests"]
    return {operation: after.get(operation, 0) - before.get(operation, 0) for operation in ENDPOINTS.values()}


@pytest.mark.parametrize(
    ("seconds", "fresh_s"),
    [(5, 1), pytest.param(60, 10, marks=[pytest.mark.chaos, pytest.mark.timeout(180)])],
)
def test_polling_causes_no_more_requests_than_fresh_times_allow(
    gateway: Gateway, sandbox: Sandbox, seconds: float, fresh_s: int
) -> None:
    counts = poll(gateway, sandbox, seconds=seconds, fresh_s=fresh_s, callers=50)
    for operation, count in counts.items():
        assert 1 <= count <= math.ceil(seconds / fresh_s) + 1, operation
    assert sandbox.stats()["rejected"].get("429", 0) == 0
