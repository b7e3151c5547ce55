"""Two servers on one Redis and one account: they ask Kalshi as one, and a lost Redis costs nobody an answer."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from kalshi.tests.live.test_sharing import API, ENDPOINTS
from kalshi.tests.servers import Gateway, Sandbox, running

FRESH_S = 1
WORKERS = 2


@contextmanager
def two_gateways(sandbox: Sandbox, redis_url: str) -> Iterator[list[Gateway]]:
    env = sandbox.environment() | {"REDIS_URL": redis_url, "WORKERS": str(WORKERS)}
    with (
        running(lambda folder: Gateway(folder, **env)) as first,
        running(lambda folder: Gateway(folder, **env)) as second,
    ):
        for gateway in (first, second):
            gateway.set_policies(fresh_s=FRESH_S)
        yield [first, second]


class Load:
    """Callers of both servers, who poll every endpoint without a pause until told to stop."""

    def __init__(self, gateways: list[Gateway], callers: int = 4) -> None:
        self.statuses: Counter[int] = Counter()
        self.slowest_s = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(callers * len(gateways))
        self._futures = [
            self._pool.submit(self._poll, gateway) for gateway in gateways for _ in range(callers)
        ]

    def _poll(self, gateway: Gateway) -> None:
        while not self._over.wait(0.01):
            for route in ENDPOINTS:
                began = time.monotonic()
                status = gateway.get(API + route).status_code
                with self._lock:
                    self.statuses[status] += 1
                    self.slowest_s = max(self.slowest_s, time.monotonic() - began)

    def stop(self) -> None:
        self._over.set()
        for future in self._futures:
            future.result()
        self._pool.shutdown()


def test_two_servers_ask_kalshi_as_often_as_one(sandbox: Sandbox, own_redis: Any) -> None:
    with two_gateways(sandbox, own_redis.url) as gateways:
        before, began = sandbox.stats()["requests"], time.monotonic()
        load = Load(gateways)
        time.sleep(5)
        load.stop()
        took_s, after = time.monotonic() - began, sandbox.stats()["requests"]
    assert set(load.statuses) == {200}
    for operation in ENDPOINTS.values():
        asked = after[operation] - before.get(operation, 0)
        assert 3 <= asked <= math.ceil(took_s / FRESH_S) + 1, operation
    # The account's limits and costs are learned once for both.
    assert after["get_account_api_limits"] == 1


@pytest.mark.timeout(180)
def test_a_redis_lost_under_load_costs_nobody_an_answer(sandbox: Sandbox, own_redis: Any) -> None:
    with two_gateways(sandbox, own_redis.url) as gateways:
        load = Load(gateways)
        time.sleep(1.5)
        own_redis.stop()
        time.sleep(3)
        own_redis.start()
        time.sleep(3)
        load.stop()
        assert set(load.statuses) == {200}
        assert load.slowest_s < 3
        for gateway in gateways:
            # Each of a server's processes says it once, if it was asked anything; never once per request.
            lost, back = (gateway.process.output.count(f"Redis is {word}") for word in ("lost", "back"))
            assert 1 <= lost == back <= WORKERS
        assert sandbox.stats()["rejected"].get("429", 0) == 0
        # Together again: what one fetched the other has.
        before = sandbox.arrivals("get_orders")
        for gateway in gateways:
            gateway.get(API + "orders/?limit=7")
        assert sandbox.arrivals("get_orders") == before + 1
