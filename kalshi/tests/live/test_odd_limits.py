"""An exchange whose limits and costs cannot both be true."""

from __future__ import annotations

import json

import pytest

from kalshi.tests.servers import Gateway, Sandbox, running, wait_until
from kalshi.tests.upstream.raw_server import Line, answer, serving


class OddExchange:
    """Tells a bucket of `limit` tokens, and that every request costs `cost`."""

    def __init__(self, limit: float, cost: float) -> None:
        bucket = {"refill_rate": limit, "bucket_capacity": limit}
        routes = [{"method": "GET", "path": "/trade-api/v2/*", "cost": cost}]
        self.costs_told = False
        self._bodies = {
            "/account/limits": {"usage_tier": "odd", "read": bucket, "write": bucket},
            "/account/endpoint_costs": {"default_cost": cost, "endpoint_costs": routes},
        }

    def serve(self, line: Line) -> None:
        while request := line.read_request():
            path = request.target.partition("?")[0].removeprefix("/trade-api/v2")
            body = self._bodies.get(path, {"balance": 5, "orders": [], "cursor": ""})
            line.send(answer(json.dumps(body).encode()))
            self.costs_told |= path == "/account/endpoint_costs"


@pytest.mark.parametrize(("limit", "cost"), [(10, 1000), (10, 10), (1, 50), (1e308, 0), (200, 1000)])
def test_people_are_answered_on_the_built_in_numbers(sandbox: Sandbox, limit: float, cost: float) -> None:
    odd = OddExchange(limit, cost)
    with serving(odd.serve) as server:
        environment = sandbox.environment() | {"KALSHI_BASE_URL": server.url}
        with running(lambda folder: Gateway(folder, **environment)) as gateway:
            gateway.get("/api/v1/kalshi/balance/")

            def budget() -> dict[str, object]:
                return dict(gateway.get("/api/v1/status/").json()["budget"])

            wait_until(lambda: budget()["tier"] == "odd", what="learning")
            wait_until(lambda: odd.costs_told, what="the question for costs")
            answers = [gateway.get(f"/api/v1/kalshi/orders/?limit={n}").status_code for n in range(1, 9)]
    assert answers == [200] * 8
