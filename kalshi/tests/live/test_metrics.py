"""`/metrics` of a server with two processes: whichever answers, the numbers are those of both."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from kalshi.services.metrics import EVERY_S
from kalshi.tests.live.conftest import some_ticker
from kalshi.tests.live.served import BALANCE, SERVE, Prepared, Served, redis_environment, runs
from kalshi.tests.servers import Sandbox, running, wait_until

REQUESTS = "kalshi_http_requests_total"


@pytest.fixture(scope="module")
def served(sandbox: Sandbox, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    prepared = Prepared(tmp_path_factory.mktemp("prepared"))
    env = redis_environment(sandbox, redis_url)
    with running(lambda folder: Served(folder, prepared, *SERVE, "--workers", "2", **env)) as server:
        wait_until(lambda: len(server.workers()) == 2, 20, "two workers")
        yield server


def answered(numbers: dict[str, float], route: str) -> float:
    """How often, by all processes and ways."""
    start = f'{REQUESTS}{{route="{route}",status="200"'
    return sum(number for name, number in numbers.items() if name.startswith(start))


def when_answered(served: Served, route: str, times: float) -> dict[str, float]:
    """The first scrape that shows so many answers: another process may be a second behind."""
    found: dict[str, float] = wait_until(
        lambda: answered(numbers := served.metrics(), route) >= times and numbers, 5, "all counts"
    )
    assert answered(found, route) == times
    return found


def ask(served: Served, times: int, path: str = BALANCE) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}  # a connection each, so that both processes are met

    def one(_: int) -> int:
        return requests.get(served.base_url + path, headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(one, range(times))) == {200}


def test_both_processes_are_counted_through_edge_and_django(served: Served) -> None:
    ask(served, 100)
    numbers = when_answered(served, "balance", 100)
    assert numbers[f'{REQUESTS}{{route="balance",status="200",way="edge"}}'] > 50
    assert numbers[f'{REQUESTS}{{route="balance",status="200",way="django"}}'] >= 1
    asked = [number for name, number in numbers.items() if 'operation="get_balance",outcome=' in name]
    cached = [
        n for name, n in numbers.items() if name.startswith('kalshi_cache_answers_total{operation="get_b')
    ]
    assert sum(cached) == 100
    assert numbers['kalshi_upstream_requests_total{operation="get_balance",outcome="ok"}'] == 1
    assert sum(asked) == 101
    assert (
        numbers['kalshi_http_request_seconds_bucket{le="+Inf",route="balance",way="edge"}']
        == (numbers['kalshi_http_request_seconds_count{route="balance",way="edge"}'])
    )
    memory = [number for name, number in numbers.items() if name.startswith("kalshi_process_resident_bytes")]
    assert len(memory) == 2
    assert all(20e6 < number < 120e6 for number in memory)


def test_no_path_ticker_or_word_of_a_caller_becomes_a_label(served: Served) -> None:
    ticker = some_ticker(served)
    for path in (
        f"/api/v1/kalshi/markets/{ticker}",
        "/api/v1/kalshi/nope-nope",
        "/nope-nope",
        "/static/nope-nope",
    ):
        served.get(path)
    served.get(BALANCE, headers={"Host": "nope-nope.example"})
    served.session.request("NOPE", served.base_url + BALANCE, timeout=10)
    when_answered(served, "market", 1)
    headers = {"Authorization": f"Bearer {served.metrics_token}"}
    text = requests.get(f"{served.base_url}/metrics", headers=headers, timeout=10).text
    assert ticker not in text and "nope-nope" not in text.lower()
    routes = {
        sample.labels["route"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "route" in sample.labels
    }
    assert routes <= {"balance", "events", "market", "metrics", "none", "readyz", "unknown"}


def breaker(sandbox: Sandbox, position: str) -> str:
    host = urlsplit(sandbox.base_url).netloc
    return f'kalshi_breaker{{environment="sandbox",host="{host}",position="{position}"}}'


LEFT_ALONE = 'kalshi_operations_left_alone{account="default"}'


def test_an_operation_that_fails_is_left_alone_and_a_failing_exchange_whole(
    served: Served, sandbox: Sandbox
) -> None:
    sandbox.fault("garbage", operations=["get_positions"])
    answers = [served.get(f"/api/v1/kalshi/positions/?limit={number}") for number in range(1, 7)]
    assert [answer.status_code for answer in answers] == [502] * 5 + [503]
    assert "at this" in answers[-1].json()["error"]
    numbers = wait_until(lambda: (found := served.metrics())[LEFT_ALONE] and found, 5, "the operation")
    assert (numbers[LEFT_ALONE], numbers[breaker(sandbox, "closed")]) == (1, 1)
    failed = 'kalshi_upstream_requests_total{operation="get_positions",outcome="upstream_bad_payload"}'
    wait_until(lambda: served.metrics().get(failed, 0) == 5, 20, "the failures")
    assert served.get("/api/v1/kalshi/orders/?limit=7").status_code == 200

    sandbox.fault("reset", operations=["get_settlements", "get_fills"])
    for number in range(1, 4):
        for name in ("fills", "settlements"):
            assert served.get(f"/api/v1/kalshi/{name}/?limit={number}").status_code == 503
    numbers = wait_until(
        lambda: (found := served.metrics())[breaker(sandbox, "open")] and found, 5, "an open breaker"
    )
    assert numbers[breaker(sandbox, "closed")] == 0
    assert "at this" not in served.get("/api/v1/kalshi/orders/?limit=8").json()["error"]
    level, capacity = (
        numbers[f'kalshi_budget_{name}_tokens{{account="default"}}'] for name in ("level", "capacity")
    )
    assert 0 <= level <= capacity


def test_counts_do_not_fall_when_processes_are_replaced(served: Served) -> None:
    began = time.monotonic()
    # Who is killed takes along what it has counted since its last report.
    wait_until(lambda: time.monotonic() - began > 2 * EVERY_S, what="the reports of both")
    before, workers = answered(served.metrics(), "balance"), served.workers()
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: not runs(workers[0]) and len(served.workers()) == 2, 10, "a new worker")
    assert answered(served.metrics(), "balance") >= before
    served.process.popen.send_signal(signal.SIGHUP)
    wait_until(lambda: not runs(workers[1]) and len(served.workers()) == 2, 20, "new workers")
    assert answered(served.metrics(), "balance") >= before
