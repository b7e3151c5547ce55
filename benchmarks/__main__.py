"""`make bench`: everything side by side in one run. The server has one core, the load the other.

    python -m benchmarks [--seconds 3] [--rounds 3] [--json FILE]

Each round measures every case once, so that a change of the machine's mood meets all of them; the figure of a case
is the median of its rounds. Ratios are what counts: absolute figures are those of one machine on one day.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load import Measured, drive
from kalshi.tests.servers import Gateway, Process, Sandbox, free_port, running, wait_until

SERVER_CORE = 0
CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Case:
    """One URL to drive, and the name of the case that its figure is divided by."""

    name: str
    url: str
    headers: dict[str, str]
    beside: str | None = None


@contextlib.contextmanager
def plain_drf(folder: Path, body: bytes) -> Iterator[str]:
    """The same body from a plain DRF view with Django's cache. Yields its URL."""
    path = folder / "body.json"
    path.write_bytes(body)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.plain_drf:application", "--port", str(port)]
    process = Process(
        [*command, "--no-access-log", "--http", "httptools"], os.environ | {"BODY_FILE": str(path)}
    )
    process.wait_for_line("Uvicorn running on")
    try:
        yield f"http://127.0.0.1:{port}/data/"
    finally:
        process.stop()


@contextlib.contextmanager
def cases() -> Iterator[list[Case]]:
    """Start every server; all inherit the pinning of this process."""
    os.sched_setaffinity(0, {SERVER_CORE})
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(running(lambda folder: Sandbox(folder, "--speed", "0")))
        ours = stack.enter_context(running(lambda folder: Gateway(folder, **sandbox.environment())))
        ours.set_policies(fresh_s=3600)
        token = {"Authorization": f"Bearer {ours.token}"}
        found = []
        for name, path in (("balance", "balance/"), ("events", "events/?limit=5")):
            url = f"{ours.base_url}/api/v1/kalshi/{path}"
            wait_until(
                lambda path=path: "; hit" in ours.get("/api/v1/kalshi/" + path).headers["Cache-Status"]
            )
            answer = ours.get("/api/v1/kalshi/" + path)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            plain = stack.enter_context(plain_drf(folder, answer.content))
            size = f"{name}, {len(answer.content) / 1000:.1f} kB"
            found.append(Case(f"plain DRF view, {size}", plain, {"Authorization": "Bearer x"}))
            beside = found[-1].name
            found.append(Case(f"ours 200, {size}", url, token, beside))
            found.append(
                Case(f"ours 304, {size}", url, token | {"If-None-Match": answer.headers["ETag"]}, beside)
            )
        yield found


def measure(all_cases: list[Case], rounds: int, seconds: float) -> dict[str, Measured]:
    runs: dict[str, list[Measured]] = {case.name: [] for case in all_cases}
    for _ in range(rounds):
        for case in all_cases:
            runs[case.name].append(drive(case.url, case.headers, seconds=seconds, connections=CONNECTIONS))
    return {name: median(seen) for name, seen in runs.items()}


def median(seen: list[Measured]) -> Measured:
    return Measured(
        requests_per_s=statistics.median(run.requests_per_s for run in seen),
        p50_ms=statistics.median(run.p50_ms for run in seen),
        p99_ms=statistics.median(run.p99_ms for run in seen),
        failed=sum(run.failed for run in seen),
    )


def table(all_cases: list[Case], results: dict[str, Measured]) -> str:
    lines = [f"{'case':44} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7}  ratio"]
    for case in all_cases:
        seen = results[case.name]
        ratio = f"{seen.requests_per_s / results[case.beside].requests_per_s:.2f}x" if case.beside else ""
        figures = f"{seen.requests_per_s:11,.0f} {seen.p50_ms:8.2f} {seen.p99_ms:8.2f} {seen.failed:7}"
        lines.append(f"{case.name:44} {figures}  {ratio}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case (default 3)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    with cases() as all_cases:
        results = measure(all_cases, arguments.rounds, arguments.seconds)
    print(table(all_cases, results))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({name: asdict(seen) for name, seen in results.items()}, indent=1) + "\n"
        )
    return 1 if any(seen.failed for seen in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
