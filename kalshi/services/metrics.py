"""What this process has counted since it started, as plain numbers; the text for Prometheus is made when it asks.

At the edge a count costs less than a microsecond: no lock, no label objects. Every name that can stand in a row comes
from our own tables (routes, operations, error codes), never from a request, so the tables stay small.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kalshi.services import engine, worker_files

BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
"""Upper bounds of the histograms' buckets; one more takes the rest."""

EVERY_S = 1.0

Row = list[float]
"""Counts by bucket, then the sum of the seconds."""
Key = tuple[str, ...]


def _new_row() -> Row:
    return [0] * (len(BOUNDS_S) + 1) + [0.0]


def _add(row: Row, took_s: float) -> None:
    row[bisect_left(BOUNDS_S, took_s)] += 1
    row[-1] += took_s


class Counts:
    """`edge` and `request` belong to the event loop; the others may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, int, str], Row] = {}
        self._edge: dict[tuple[str, str], int] = {}
        self._cache: Counter[Key] = Counter()
        self._upstream: dict[Key, Row] = {}
        self.dropped_lines = 0  # of the access log, whose thread counts them

    def request(self, route: str, status: int, way: str, took_s: float) -> None:
        """An answer went out. status: 0 when the client left before; way: "edge" or "django"."""
        key = (route, status, way)
        row = self._requests.get(key)
        if row is None:
            row = self._requests[key] = _new_row()
        _add(row, took_s)

    def edge(self, operation: str, outcome: str) -> None:
        """The edge answered from the cache: "hit" or "stale"."""
        key = (operation, outcome)
        self._edge[key] = self._edge.get(key, 0) + 1

    def cache(self, operation: str, outcome: str) -> None:
        """The read-through cache answered: the kind of the answer, or an error's code."""
        with self._lock:
            self._cache[operation, outcome] += 1

    def upstream(self, operation: str, outcome: str, took_s: float) -> None:
        """One attempt at asking Kalshi ended: "ok", "drift" (a body of another shape) or an error's code."""
        with self._lock:
            row = self._upstream.setdefault((operation, outcome), _new_row())
            _add(row, took_s)

    def tables(self) -> dict[str, Any]:
        """Everything so far, as JSON can hold it: {"requests": [[[route, status, way], row], ...], ...}."""
        with self._lock:
            cache = Counter(self._cache)
            upstream = [[list(key), list(row)] for key, row in self._upstream.items()]
        for key, number in list(self._edge.items()):
            cache[key] += number
        return {
            "requests": [
                [[route, str(status), way], list(row)]
                for (route, status, way), row in list(self._requests.items())
            ],
            "cache": [[list(key), [number]] for key, number in cache.items()],
            "upstream": upstream,
            "dropped": [[[], [self.dropped_lines]]],
        }


TABLES = ("requests", "cache", "upstream", "dropped")


def add_up_rows(rows: Iterable[tuple[Iterable[str], Row]]) -> dict[Key, Row]:
    """The rows of each key as one."""
    total: dict[Key, Row] = {}
    for key, row in rows:
        so_far = total.setdefault(tuple(key), [0] * len(row))
        so_far[:] = [one + other for one, other in zip(so_far, row, strict=True)]
    return total


def add_up(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The tables of several processes as one."""
    documents = list(documents)
    tables = {name: add_up_rows(row for one in documents for row in one[name]) for name in TABLES}
    return {name: [[list(key), row] for key, row in table.items()] for name, table in tables.items()}


counts = Counts()
_started_at = time.time()


def document() -> dict[str, Any]:
    """This process now: its tables, and what Prometheus calls gauges."""
    return counts.tables() | {
        "at": time.time(),
        "pid": os.getpid(),
        "started_at": _started_at,
        "resident_bytes": resident_bytes(),
        "waiting": engine.current().cache.waiting,
    }


def resident_bytes() -> int | None:
    """Memory of this process; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def of_all_processes() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """(the documents of the processes that run, this one first; the tables of all that ever ran, added up)."""
    own = document()
    place = worker_files.folder()
    if place is None:
        return [own], own
    running, ended = worker_files.others(place, own["at"])
    return [own, *running], add_up([own, *running, *ended])


class Report:
    """Leaves this process's document for the others, once a second, when there are others."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def start(self) -> None:
        place = worker_files.folder()
        if place is not None:
            worker_files.take_in_ended(place, add_up)
            threading.Thread(target=self._run, args=(place,), name="metrics-report", daemon=True).start()

    def stop(self) -> None:
        """Leave the last numbers."""
        self._stopping.set()
        place = worker_files.folder()
        if place is not None:
            worker_files.write(place, document())

    def _run(self, place: Path) -> None:
        while not self._stopping.wait(EVERY_S):
            worker_files.write(place, document())
