"""Drive one URL with wrk and read what it reports."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOAD_CORE = "1"


@dataclass(frozen=True, slots=True)
class Measured:
    """requests_per_s counts only while every answer was a success; `failed` answers make a figure worthless."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    failed: int


def drive(
    url: str, headers: Mapping[str, str], *, seconds: int, connections: int, script: Path | None = None
) -> Measured:
    """Keep `connections` busy for whole seconds, from a core of its own. Raises RuntimeError when wrk is missing.

    script: in Lua; makes the requests in place of the headers.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("the benchmarks need wrk; on Debian and Ubuntu: sudo apt-get install wrk")
    command = ["taskset", "-c", LOAD_CORE, wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if script is not None:
        command += ["-s", str(script)]
    report = subprocess.run([*command, url], check=True, text=True, capture_output=True).stdout
    return read_report(report)


def read_report(report: str) -> Measured:
    failed = sum(int(count) for count in re.findall(r"Non-2xx or 3xx responses: (\d+)", report))
    for counts in re.findall(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", report):
        failed += sum(map(int, counts))
    return Measured(
        requests_per_s=float(_found(r"Requests/sec:\s+([\d.]+)", report)),
        p50_ms=_ms(_found(r"\n\s+50%\s+(\S+)", report)),
        p99_ms=_ms(_found(r"\n\s+99%\s+(\S+)", report)),
        failed=failed,
    )


def _found(pattern: str, report: str) -> str:
    match = re.search(pattern, report)
    if match is None:
        raise RuntimeError(f"wrk's report has no {pattern!r}:\n{report}")
    return match[1]


def _ms(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise RuntimeError(f"wrk reports a latency of {text!r}")
