"""Time from the command to readiness, and the memory of the one process before and after many requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers
from benchmarks.cores import Cores
from benchmarks.load import drive
from kalshi.tests.servers import Sandbox, running

TARGET_MB = 120
BURST_S = 2
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Footprint:
    """Seconds to readyz 200, migrations of an empty database included; resident MB at the start, half way, the end."""

    start_up_s: float
    requests: int
    start_mb: float
    half_mb: float
    end_mb: float


def measure(sandbox: Sandbox, cores: Cores, requests: int) -> Footprint:
    with cores.server(), running(lambda where: servers.QuietGateway(where, **sandbox.environment())) as ours:
        ours.set_policies(fresh_s=3600)
        pid = ours.process.popen.pid
        url = f"{ours.base_url}/api/v1/kalshi/events/?limit=2"
        token = {"Authorization": f"Bearer {ours.token}"}
        ours.get("/api/v1/kalshi/events/?limit=2")
        start_mb, half_mb, done = resident_mb(pid), 0.0, 0
        while done < requests:
            seen = drive(url, token, seconds=BURST_S, connections=CONNECTIONS)
            done += int(seen.requests_per_s * BURST_S)
            if not half_mb and done >= requests / 2:
                half_mb = resident_mb(pid)
        return Footprint(round(ours.start_up_s, 2), done, start_mb, half_mb, resident_mb(pid))


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)
