"""The figures as text: one table for each part, every target beside its figure."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from benchmarks import expiry as expiring
from benchmarks import footprint as footprints
from benchmarks import polling as pollings
from benchmarks.expiry import Expiry
from benchmarks.footprint import Footprint
from benchmarks.load import Measured
from benchmarks.polling import Polling
from benchmarks.throughput import CONNECTIONS, Ratio


def say(text: str) -> None:
    print(text, end="\n\n", flush=True)


def conditions(seconds: float, rounds: int) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "uvicorn": version("uvicorn"),
        "cores": os.cpu_count(),
        "load_average_before": os.getloadavg()[0],
        "seconds": seconds,
        "rounds": rounds,
        "connections": CONNECTIONS,
    }


def conditions_text(given: Mapping[str, Any]) -> str:
    return (
        f"{given['at']}, Python {given['python']}, uvicorn {given['uvicorn']}, load average before: "
        f"{given['load_average_before']:.2f}\none core for each server, another for the load; "
        f"{given['connections']} connections; medians of {given['rounds']} rounds of {given['seconds']:g} s"
    )


def throughput(size: int, seen: Mapping[str, Measured], ratios: Iterable[Ratio]) -> str:
    lines = [
        f"{f'cached body of {size:,} bytes':30} {'requests/s':>11} {'p50 ms':>8} {'p99 ms':>8} {'failed':>7}"
    ]
    for name, one in seen.items():
        lines.append(
            f"{name:30} {one.requests_per_s:11,.0f} {one.p50_ms:8.2f} {one.p99_ms:8.2f} {one.failed:7}"
        )
    lines += ["", f"{'ratio':56} {'':>9} {'target':>8}"]
    for ratio in ratios:
        name = f"{'p99 of ' if ratio.tail else ''}{ratio.name} / {ratio.over}"
        bound = "<=" if ratio.tail else ">="
        target = "" if ratio.target is None else f"{bound} {ratio.target:<5g} {verdict(ratio.good)}"
        lines.append(f"{name:56} {ratio.value:8.2f}x  {target}")
    return "\n".join(lines)


def expiry(seen: Iterable[Expiry]) -> str:
    title = f"expiry, upstream {expiring.UPSTREAM_S * 1000:.0f} ms, fresh {expiring.FRESH_S} s"
    lines = [f"{title:34} {'requests':>9} {'p50 ms':>8} {'p99 ms':>8} {'worst ms':>9} {'waited':>7}"]
    for one in seen:
        figures = f"{one.requests:9,} {one.p50_ms:8.2f} {one.p99_ms:8.2f} {one.worst_ms:9.1f} {one.waited:7}"
        target = ""
        if one.worst_target_ms is not None:
            good = one.p99_ms < expiring.P99_TARGET_MS and one.worst_ms <= one.worst_target_ms
            target = f"  p99 < {expiring.P99_TARGET_MS}, worst <= {one.worst_target_ms:.0f} {verdict(good)}"
        lines.append(f"{one.name:34} {figures}{target}")
    return "\n".join(lines)


def polling(seen: Iterable[Polling], seconds: float) -> str:
    title = f"{pollings.POLLERS} pollers x 5 endpoints x {seconds:g} s"
    lines = [f"{title:34} {'requests':>9} {'upstream':>9} {'ideal':>7} {'ratio':>7} {'429s':>5}"]
    for one in seen:
        ratio = one.upstream_calls / one.ideal
        figures = f"{one.requests:9,} {one.upstream_calls:9} {one.ideal:7.0f} {ratio:6.2f}x {one.rejected:5}"
        lines.append(f"{one.name:34} {figures}  <= {pollings.TARGET} {verdict(ratio <= pollings.TARGET)}")
    return "\n".join(lines)


def footprint(one: Footprint) -> str:
    good = verdict(max(one.half_mb, one.end_mb) < footprints.TARGET_MB)
    return (
        f"start-up to readyz 200, empty database: {one.start_up_s:.1f} s\n"
        f"memory of the worker: {one.start_mb:.0f} MB at the start, {one.half_mb:.0f} half way, {one.end_mb:.0f} after "
        f"{one.requests:,} requests; < {footprints.TARGET_MB} {good}"
    )


def verdict(good: bool) -> str:
    return "met" if good else "MISSED"


def failed(figures: Mapping[str, Any]) -> int:
    """All answers that were wrong."""
    rows = [*figures.get("throughput", {}).get("cases", {}).values()]
    rows += [*figures.get("expiry", ()), *figures.get("polling", ())]
    return sum(row["failed"] for row in rows)
