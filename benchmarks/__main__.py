"""`make bench`: everything side by side in one run. Each measured server has one core, the load another.

    python -m benchmarks [--seconds 3] [--rounds 3] [--poll-seconds 20] [--full] [--only PART] [--json FILE]

Ratios are what counts: absolute figures are those of one machine on one day. Ends with 1 when an answer was wrong,
since the figures mean nothing then; a missed target is marked, and is no error, since a busy machine can cause it.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import expiry, footprint, polling, report, throughput
from benchmarks.cores import Cores
from kalshi.tests.servers import Sandbox, running

PARTS = ("throughput", "expiry", "polling", "footprint")
REQUESTS, REQUESTS_FULL = 200_000, 1_000_000
POLL_S_FULL = 60.0


def main() -> int:
    arguments = parsed()
    figures: dict[str, Any] = {"conditions": report.conditions(arguments.seconds, arguments.rounds)}
    report.say(report.conditions_text(figures["conditions"]))
    cores = Cores()
    with cores.load(), running(lambda folder: Sandbox(folder, "--speed", "0")) as sandbox:
        for part in arguments.only or PARTS:
            figures[part], text = MEASURE[part](sandbox, cores, arguments)
            report.say(text)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    failed = report.failed(figures)
    if failed:
        report.say(f"{failed} answers were wrong or missing: the figures above mean nothing.")
    return 1 if failed else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of one measurement (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each case (default 3)")
    parser.add_argument("--poll-seconds", type=float, default=20.0, help="length of the polling (default 20)")
    parser.add_argument(
        "--full", action="store_true", help="poll for 60 s, and a million requests for the memory"
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="leave the other parts out")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


def _throughput(sandbox: Sandbox, cores: Cores, arguments: argparse.Namespace) -> tuple[Any, str]:
    with throughput.cases(sandbox, cores) as (size, cases):
        seen = throughput.measure(cases, arguments.rounds, arguments.seconds)
    ratios = throughput.ratios(seen)
    figures = {
        "body_bytes": size,
        "cases": {name: asdict(one) for name, one in seen.items()},
        "ratios": [asdict(one) for one in ratios],
    }
    return figures, report.throughput(size, seen, ratios)


def _expiry(sandbox: Sandbox, cores: Cores, arguments: argparse.Namespace) -> tuple[Any, str]:
    seen = expiry.measure(sandbox, cores, max(arguments.seconds, 10))
    return [asdict(one) for one in seen], report.expiry(seen)


def _polling(sandbox: Sandbox, cores: Cores, arguments: argparse.Namespace) -> tuple[Any, str]:
    seconds = POLL_S_FULL if arguments.full else arguments.poll_seconds
    seen = polling.measure(sandbox, cores, seconds)
    return [asdict(one) for one in seen], report.polling(seen, seconds)


def _footprint(sandbox: Sandbox, cores: Cores, arguments: argparse.Namespace) -> tuple[Any, str]:
    seen = footprint.measure(sandbox, cores, REQUESTS_FULL if arguments.full else REQUESTS)
    return asdict(seen), report.footprint(seen)


MEASURE = {"throughput": _throughput, "expiry": _expiry, "polling": _polling, "footprint": _footprint}

if __name__ == "__main__":
    sys.exit(main())
