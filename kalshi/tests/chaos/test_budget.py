"""Ten times what the account grants is asked for: the exchange refuses nothing, and nearly all of it is used."""

from __future__ import annotations

import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from kalshi.tests.live.served import SERVE, Prepared, Served, redis_environment
from kalshi.tests.servers import Sandbox, running, wait_until

REFILL_PER_S = 200
"""Of the tier `basic`, which saves up 600 tokens."""
SHARE = 0.9
COST = 10
FRESH_S = 1
KEYS = [
    f"/api/v1/kalshi/{route}/?limit={limit}" for route in ("orders", "positions") for limit in range(1, 131)
]
"""Each is due every second: 260 requests where the budget allows 18."""
SETUP = f"""
from kalshi.models import EndpointPolicy
EndpointPolicy.objects.update(fresh_s={FRESH_S}, patience_s=0)
"""
CALLERS = 32


class Demand:
    """Callers who go round the keys. A key that is answered stale, or refused, was due: that is demand."""

    def __init__(self, server: Served) -> None:
        self._server = server
        self.statuses: Counter[int] = Counter()
        self.due: list[tuple[float, str]] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CALLERS)]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        connection = HTTPConnection("127.0.0.1", self._server.port, timeout=30)
        headers = {"Authorization": f"Bearer {self._server.token}"}
        keys = KEYS[number::CALLERS]
        while not self._over.is_set():
            began = time.monotonic()
            for key in keys:
                connection.request("GET", key, headers=headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses[answer.status] += 1
                if "; hit; ttl=-" in answer.headers.get("Cache-Status", "") or answer.status == 503:
                    self.due.append((time.monotonic(), key))
            self._over.wait(max(0.0, began + FRESH_S - time.monotonic()))
        connection.close()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def tokens(self, began: float, ended: float) -> int:
        """What was wanted in this time: each key at most once in a fresh time."""
        return COST * len({(key, int((at - began) / FRESH_S)) for at, key in self.due if began <= at < ended})


def fill(server: Served) -> None:
    """Spend what was saved up and give every key a copy, one request after the other.

    A server has 60 tokens less than the exchange (a tenth of what `basic` saves up), and 20 a second less: 0.3 s of
    what it may spend. On a machine that stands still for longer between the budget and the socket, requests of 32
    callers at once would reach the exchange in a heap, and it would rightly refuse some. One by one there is no heap,
    and by the end the difference is worth more than a second.
    """
    for key in KEYS:
        assert server.get(key, timeout=60).status_code == 200


def level(server: Served) -> float:
    """Tokens that may be spent at once."""
    return float(server.get("/api/v1/status/").json()["budget"]["level"])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("for_s", [10, pytest.param(600, marks=pytest.mark.chaos)])
def test_ten_times_the_budget_is_wanted_and_nothing_is_refused(
    tmp_path: Path, own_redis: Any, capsys: Any, for_s: float
) -> None:
    (tmp_path / "prepared").mkdir()
    prepared = Prepared(tmp_path / "prepared")
    prepared.manage("shell", "-v0", "-c", SETUP)
    with (
        running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "basic")) as exchange,
        running(
            lambda folder: Served(
                folder, prepared, *SERVE, "--workers", "4", **redis_environment(exchange, own_redis.url)
            )
        ) as server,
    ):
        wait_until(lambda: len(server.workers()) == 4, 30, "four workers")
        fill(server)
        demand = Demand(server)
        try:
            wait_until(lambda: level(server) < 2 * COST, 60, "all that was saved up is spent")
            before, began = exchange.stats()["tokens_used"], time.monotonic()
            wait_until(lambda: time.monotonic() >= began + for_s, for_s + 10)
            after, ended = exchange.stats(), time.monotonic()
        finally:
            demand.stop()
    used, allowed = after["tokens_used"] - before, SHARE * REFILL_PER_S * (ended - began)
    refused = after["rejected"].get("429", 0)
    wanted = demand.tokens(began, ended)
    with capsys.disabled():
        print(  # noqa: T201 - the table is the result
            f"\n{ended - began:.0f} s: wanted {wanted / allowed:.1f}x, used {used / allowed:.3f}x of the budget, "
            f"{refused} 429s; answers {dict(demand.statuses)}"
        )
    assert refused == 0
    assert wanted >= 10 * allowed
    # A twentieth of a second of tokens may be under way at either end.
    assert 0.9 * allowed <= used <= allowed + REFILL_PER_S * 0.25
    assert set(demand.statuses) <= {200, 503}
