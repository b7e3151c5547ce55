"""How often many pollers make us ask the upstream, beside the ideal: once per key and fresh time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers
from benchmarks.callers import ask
from benchmarks.cores import Cores
from kalshi.tests.servers import Gateway, Sandbox, running

POLLERS = 200
FRESH_S = 2
# Each poller asks for one of the five, and 0.2 s later for the next.
EVERY_S = 0.2
WARM_UP_S = 4
OPERATIONS = ("get_balance", "get_positions", "get_orders", "get_events", "get_market")
TARGET = 1.05


@dataclass(frozen=True, slots=True)
class Polling:
    """ideal: seconds / fresh time, for each key. rejected: 429s of the upstream."""

    name: str
    requests: int
    upstream_calls: int
    ideal: float
    rejected: int
    failed: int


def measure(sandbox: Sandbox, cores: Cores, seconds: float) -> list[Polling]:
    found = []
    for workers in (1, 4):
        with (
            tempfile.TemporaryDirectory(prefix="kalshi-") as name,
            cores.server(),
            servers.redis(Path(name)) as redis_url,
        ):
            env = sandbox.environment() | {"REDIS_URL": redis_url, "WORKERS": str(workers)}
            with running(lambda folder, env=env: servers.QuietGateway(folder, **env)) as ours:
                found.append(polled(ours, sandbox, cores, f"{workers} worker(s), Redis", seconds))
    return found


def polled(ours: Gateway, sandbox: Sandbox, cores: Cores, name: str, seconds: float) -> Polling:
    ours.set_policies(fresh_s=FRESH_S)
    ticker = ours.get("/api/v1/kalshi/events/?limit=1&with_nested_markets=true").json()
    market = ticker["events"][0]["markets"][0]["ticker"]
    paths = ("balance/", "positions/", "orders/", "events/?limit=2", f"markets/{market}/")
    urls = [f"{ours.base_url}/api/v1/kalshi/{path}" for path in paths]
    token = {"Authorization": f"Bearer {ours.token}"}
    with cores.load():
        ask(urls, token, callers=POLLERS, every_s=EVERY_S, seconds=WARM_UP_S)
        before = sandbox.stats()
        seen = ask(urls, token, callers=POLLERS, every_s=EVERY_S, seconds=seconds)
        after = sandbox.stats()
    calls = sum(after["requests"].get(one, 0) - before["requests"].get(one, 0) for one in OPERATIONS)
    rejected = after["rejected"]["429"] - before["rejected"]["429"]
    return Polling(name, len(seen.ms), calls, len(urls) * seconds / FRESH_S, rejected, seen.failed)
