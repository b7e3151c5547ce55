"""Keys of a wrong type in the Redis of the running product: answers go on, and nobody says that Redis is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from kalshi.tests.servers import Gateway, Sandbox, running, wait_until
from kalshi.tests.test_redis_damage import of_another_type

PATHS = ["/api/v1/kalshi/balance/", "/api/v1/kalshi/orders/", "/api/v1/kalshi/events/", "/api/v1/status/"]


@pytest.fixture
def gateway(sandbox: Sandbox, own_redis: Any) -> Iterator[Gateway]:
    env = sandbox.environment() | {"REDIS_URL": own_redis.url, "WORKERS": "2"}
    with running(lambda folder: Gateway(folder, **env)) as server:
        yield server


def test_keys_of_another_type_cost_nobody_an_answer(gateway: Gateway, own_redis: Any) -> None:
    redis = Redis.from_url(own_redis.url)
    for path in PATHS:
        assert gateway.get(path).status_code == 200
    names = redis.keys()
    entry = next(name for name in names if b":get_orders:" in name and redis.type(name) == b"string")
    for name in names:
        of_another_type(redis, name)

    def mended() -> bool:
        for path in PATHS:
            for headers in ({}, {"Cache-Control": "no-cache"}):
                assert gateway.get(path, headers=headers).status_code == 200, path
        assert gateway.get("/readyz").status_code == 200
        return redis.type(entry) == b"string" and redis.ttl(entry) > 0

    wait_until(mended, 10, "the entry")
    for _ in range(10):
        assert mended()
    assert "was not ours" in gateway.process.output
    assert "Redis is lost" not in gateway.process.output
