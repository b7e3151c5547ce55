"""What callers wait while a copy expires again and again, and the upstream takes 800 ms for the next one."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers
from benchmarks.callers import Seen, ask
from benchmarks.cores import Cores
from kalshi.tests.servers import Sandbox, running

UPSTREAM_S = 0.8
FRESH_S = 2
CALLERS = 50
EVERY_S = 0.05
P99_TARGET_MS = 20
OVER_PATIENCE_MS = 50
# No cached answer takes so long; who waits longer waited for the upstream.
WAITED_MS = 150


@dataclass(frozen=True, slots=True)
class Expiry:
    """Milliseconds over all requests. waited: how many met the upstream. worst_target_ms: None for nginx."""

    name: str
    requests: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    waited: int
    failed: int
    worst_target_ms: float | None = None

    @classmethod
    def of(cls, name: str, seen: Seen, worst_target_ms: float | None = None) -> Expiry:
        p50, p99, worst = (round(seen.percentile(share), 2) for share in (0.5, 0.99, 1))
        waited = sum(ms > WAITED_MS for ms in seen.ms)
        return cls(name, len(seen.ms), p50, p99, worst, waited, seen.failed, worst_target_ms)


def measure(sandbox: Sandbox, cores: Cores, seconds: float) -> list[Expiry]:
    """For two lengths of patience, one above and one below what the upstream takes; and for nginx."""
    with cores.server():
        gateway = servers.QuietGateway
        with running(lambda folder: gateway(folder, **sandbox.environment())) as ours:
            found = [with_patience(ours, sandbox, cores, patience_s, seconds) for patience_s in (1.0, 0.3)]
    return [*found, nginx(cores, seconds)]


def with_patience(
    ours: servers.QuietGateway, sandbox: Sandbox, cores: Cores, patience_s: float, seconds: float
) -> Expiry:
    # The wait for a setting sees the fresh time alone, so that has to change each time.
    ours.set_policies(fresh_s=3600)
    ours.set_policies(fresh_s=FRESH_S, patience_s=patience_s)
    path = "/api/v1/kalshi/events/?limit=2"
    ours.get(path)
    sandbox.fault("latency", latency_ms=UPSTREAM_S * 1000)
    try:
        with cores.load():
            seen = asked(ours.base_url + path, {"Authorization": f"Bearer {ours.token}"}, seconds)
    finally:
        sandbox.heal()
    return Expiry.of(f"ours, patience {patience_s:g} s", seen, patience_s * 1000 + OVER_PATIENCE_MS)


def nginx(cores: Cores, seconds: float) -> Expiry:
    with tempfile.TemporaryDirectory(prefix="kalshi-") as name:
        folder = Path(name)
        (folder / "body.json").write_bytes(b"x" * 18_000)
        env = {"BODY_FILE": str(folder / "body.json"), "DELAY_S": str(UPSTREAM_S)}
        with cores.load():
            upstream = servers.uvicorn("slow_upstream", **env)
            url = upstream.__enter__()
        try:
            with cores.server(), servers.plain_nginx(folder, url, valid=f"{FRESH_S}s") as (logged, _):
                asked(logged + "/", {}, 1)
                with cores.load():
                    return Expiry.of("nginx, background update", asked(logged + "/", {}, seconds))
        finally:
            upstream.__exit__(None, None, None)


def asked(url: str, headers: dict[str, str], seconds: float) -> Seen:
    return ask([url], headers, callers=CALLERS, every_s=EVERY_S, seconds=seconds)
