"""The whole product on PostgreSQL and Redis, as a larger installation runs it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

API = "/api/v1/kalshi/"


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox, postgres_url: str, redis_url: str) -> Iterator[Gateway]:
    env = sandbox.environment() | {
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "KALSHI_TIMEOUT_S": "5",
    }
    with running(lambda folder: Gateway(folder, **env)) as server:
        yield server


def test_it_is_ready_and_answers_tokens_and_sessions(gateway: Gateway) -> None:
    assert gateway.get(API + "balance/").status_code == 200
    with gateway.sign_in() as browser:
        assert browser.get(gateway.base_url + API + "balance/", timeout=10).status_code == 200


def test_a_saved_setting_is_in_force_within_two_seconds(gateway: Gateway) -> None:
    gateway.set_policies(fresh_s=77)
    assert "max-age=77," in gateway.get(API + "positions/").headers["Cache-Control"]


def test_callers_who_wait_for_kalshi_hold_no_database_connection(gateway: Gateway, sandbox: Sandbox) -> None:
    # Many more callers than the pool has connections (16), and none may wait for one.
    sandbox.fault("hang", operations=["get_orders"])
    with ThreadPoolExecutor(60) as threads:
        callers = [threads.submit(gateway.get, f"{API}orders/?limit={n % 5 + 1}") for n in range(60)]
        wait_until(lambda: sandbox.arrivals("get_orders") > 0, 5, "the first caller")
        for _ in range(10):
            started = time.monotonic()
            assert gateway.get("/api/v1/status/").status_code == 200
            assert time.monotonic() - started < 2.0
        sandbox.heal()
        assert {caller.result().status_code for caller in callers} <= {200, 503}
