"""Pull the plug on the exchange, in every way it can fail: the last known data stays, and says its age.

One exchange and one gateway for each way of failing, all at the same time, so that no drill starts with the
breaker that another one opened.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from kalshi.tests.drills import Drills
from kalshi.tests.live.conftest import some_ticker
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

API = "/api/v1/kalshi/"
FRESH_S = 1
PATIENCE_S = 1.0
FAULTS: dict[str, dict[str, Any]] = {
    "down": {"mode": "down"},
    "reset": {"mode": "reset"},
    "hang": {"mode": "hang"},
    "garbage": {"mode": "garbage"},
    "truncate": {"mode": "truncate"},
    "status 500": {"mode": "status", "status": 500},
    "status 503": {"mode": "status", "status": 503},
    "status 429": {"mode": "status", "status": 429},
}
CODES = {"refreshing", "upstream_unavailable", "upstream_bad_payload", "upstream_rate_limited"}


@dataclass
class Drill:
    """What was seen: per path the bodies before, the answers during, and the first fresh answer after."""

    before: dict[str, bytes] = field(default_factory=dict)
    during: dict[str, list[tuple[float, int, bytes, str, int]]] = field(default_factory=dict)
    cold: tuple[int, str] = (0, "")
    recovered_after_s: float = 0.0
    after: dict[str, bytes] = field(default_factory=dict)


def run_drill(gateway: Gateway, sandbox: Sandbox, fault: dict[str, Any]) -> Drill:
    drill = Drill()
    sandbox.heal()
    paths = [
        API + name
        for name in ("balance/", "positions/", "orders/", "events/", f"markets/{some_ticker(gateway)}/")
    ]
    for path in paths:
        wait_until(lambda path=path: gateway.get(path).status_code == 200, 30, "the first answer")
        drill.before[path] = gateway.get(path).content
    sandbox.fault(**fault)
    for path in paths:
        wait_until(lambda path=path: gateway.get(path).headers["Age"] >= "1", 20, "the end of the fresh time")
    for _ in range(3):
        for path in paths:
            drill.during.setdefault(path, []).append(observe(gateway, path))
    cold = gateway.get(API + "orders/?limit=77")
    drill.cold = (cold.status_code, cold.json()["code"])
    sandbox.heal()
    healed_at = time.monotonic()
    for path in paths:
        wait_until(
            lambda path=path: int(gateway.get(path).headers["Age"]) < FRESH_S, 30, "fresh data after recovery"
        )
        drill.after[path] = gateway.get(path).content
    drill.recovered_after_s = time.monotonic() - healed_at
    return drill


def observe(gateway: Gateway, path: str) -> tuple[float, int, bytes, str, int]:
    started = time.monotonic()
    answer = gateway.get(path)
    took_s = time.monotonic() - started
    return (
        took_s,
        answer.status_code,
        answer.content,
        answer.headers["Cache-Status"],
        int(answer.headers["Age"]),
    )


@pytest.fixture(scope="module")
def drills() -> Iterator[Drills[str, Drill]]:
    with ExitStack() as stack, ThreadPoolExecutor(len(FAULTS)) as threads:

        def start(_: str) -> tuple[Gateway, Sandbox]:
            sandbox = stack.enter_context(running(lambda folder: Sandbox(folder, "--speed", "0")))
            env = sandbox.environment() | {"KALSHI_TIMEOUT_S": "3"}
            gateway = stack.enter_context(running(lambda folder: Gateway(folder, **env)))
            gateway.set_policies(fresh_s=FRESH_S, patience_s=PATIENCE_S)
            return gateway, sandbox

        # All start before the first drill begins: a start-up takes the processor away from the measured calls.
        pairs = dict(zip(FAULTS, threads.map(start, FAULTS), strict=True))
        yield Drills(threads, lambda name: run_drill(*pairs[name], FAULTS[name]), FAULTS)
        # Together, since each takes a while to end.
        list(threads.map(lambda pair: pair[0].stop(), pairs.values()))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FAULTS)
def test_every_endpoint_keeps_its_last_answer_and_marks_it(drills: Drills[str, Drill], name: str) -> None:
    with drills.judged(name) as drill:
        for path, seen in drill.during.items():
            ages = [age for *_, age in seen]
            assert ages == sorted(ages) and ages[-1] >= 1
            for took_s, status, body, cache_status, _ in seen:
                assert status == 200
                assert body == drill.before[path]
                found = re.fullmatch(r"kalshi; hit; ttl=(-\d+); detail=(\w+)", cache_status)
                assert found and found[2] in CODES, cache_status
                assert took_s < PATIENCE_S + 0.5


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FAULTS)
def test_what_was_never_read_is_an_error_and_says_why(drills: Drills[str, Drill], name: str) -> None:
    with drills.judged(name) as drill:
        status, code = drill.cold
        assert status in {502, 503}
        assert code in CODES - {"refreshing"}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FAULTS)
def test_fresh_data_comes_back_after_recovery(drills: Drills[str, Drill], name: str) -> None:
    with drills.judged(name) as drill:
        assert drill.after == drill.before
        # The breaker leaves the exchange alone for ten seconds after five failures; then comes one fresh time.
        assert drill.recovered_after_s < 10 + FRESH_S + 4


@pytest.mark.parametrize(("status", "code"), [(401, 502), (403, 502), (404, 404), (400, 400)])
def test_a_refusal_is_never_hidden_behind_old_data(
    gateway: Gateway, sandbox: Sandbox, status: int, code: int
) -> None:
    gateway.set_policies(fresh_s=FRESH_S)
    assert gateway.get(API + "positions/").status_code == 200
    sandbox.fault("status", status=status)
    wait_until(lambda: gateway.get(API + "positions/").status_code != 200, 20, "the end of the fresh time")
    assert gateway.get(API + "positions/").status_code == code
    sandbox.heal()
    # Asked for anew, since a 404 is kept for ten seconds.
    again = {"Cache-Control": "no-cache"}
    wait_until(lambda: gateway.get(API + "positions/", headers=again).status_code == 200, 15, "recovery")


def test_a_hanging_endpoint_leaves_health_and_the_others_quick(gateway: Gateway, sandbox: Sandbox) -> None:
    ticker = some_ticker(gateway)
    paths = [API + "positions/", API + "orders/", API + "events/", API + f"markets/{ticker}/", "/healthz"]
    sandbox.fault("hang", operations=["get_balance"])
    with ThreadPoolExecutor(100) as threads:
        callers = [threads.submit(gateway.get, f"{API}balance/?exchange_index={n % 4}") for n in range(100)]
        wait_until(lambda: sandbox.arrivals("get_balance") > 0, 20, "the first caller")
        for path in paths * 3:
            started = time.monotonic()
            assert gateway.get(path).status_code == 200
            assert time.monotonic() - started < 1.0, path
        sandbox.heal()
        assert {caller.result().status_code for caller in callers} <= {200, 503}
