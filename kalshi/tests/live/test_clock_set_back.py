"""The machine's clock is set back: how old the copies are is unknown then, and nobody is told that they are new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from kalshi.tests.chaos.installation import Clock
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

BALANCE = "/api/v1/kalshi/balance/"
HOURS_S = 6 * 3600


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


@pytest.fixture
def gateway(sandbox: Sandbox, clock: Clock) -> Iterator[Gateway]:
    env = sandbox.environment() | clock.environment | {"KALSHI_TIMEOUT_S": "3"}
    with running(lambda folder: Gateway(folder, **env)) as server:
        yield server


def told(answer: requests.Response) -> tuple[int, str | None, str, str]:
    headers = answer.headers
    return answer.status_code, headers.get("Age"), headers["Cache-Control"], headers["Cache-Status"]


def test_a_copy_from_before_is_stale_and_of_unknown_age_until_kalshi_answers(
    gateway: Gateway, sandbox: Sandbox, clock: Clock
) -> None:
    body = gateway.get(BALANCE).content
    sandbox.fault("hang")
    clock.set(-HOURS_S)
    wait_until(lambda: "detail" in gateway.get(BALANCE).headers["Cache-Status"], 10, "the clock")
    for _ in range(5):  # by Django and by the edge
        answer = gateway.get(BALANCE)
        status, age, cache_control, cache_status = told(answer)
        assert (status, answer.content) == (200, body)
        assert (age, cache_control) == (None, "private, max-age=0, stale-if-error=86400")
        assert cache_status.startswith("kalshi; hit; ttl=-1; detail=")
    balance = gateway.get("/api/v1/status/").json()["endpoints"]["balance"]
    assert (balance["state"], balance["age_s"]) == ("stale", None)
    sandbox.heal()
    wait_until(lambda: gateway.get(BALANCE).headers.get("Age") == "0", 30, "an answer of Kalshi's")
