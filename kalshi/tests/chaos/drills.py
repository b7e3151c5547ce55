"""The disturbances, one after the other under the same load, and what the contract forbids of each."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kalshi.tests.chaos.callers import Callers, Seen, fresh_everywhere
from kalshi.tests.chaos.installation import FRESH_S, Installation
from kalshi.tests.live.served import runs
from kalshi.tests.servers import wait_until

RECOVERY_S = 5.0
BREAKER_S = 10.0
OUTAGE_RECOVERY_S = BREAKER_S + FRESH_S + 4
"""The breaker leaves the exchange alone for ten seconds, then one fresh time passes; the rest is a busy machine."""
FAULTS: dict[str, dict[str, object]] = {
    "latency": {},
    "slow": {},
    "garbage": {},
    "truncate": {},
    "status 429": {"mode": "status", "status": 429},
    "hang": {},
    "status 503": {"mode": "status", "status": 503},
    "reset": {},
    "down": {},
}
"""Those that open the breaker come last: behind an open one nothing is tried."""
FORBIDDEN = ("wrong", "mixed", "500", "refused", "lost")
HEAD = ("drill", "answers", "stale", *FORBIDDEN, "reset", "429s", "slowest s", "fresh after s", "allowed s")


@dataclass
class Row:
    """What callers saw in one drill. excused: requests in flight on the worker that was killed."""

    name: str
    seen: list[Seen]
    excused: list[Seen]
    refusals: int
    recovered_s: float
    allowed_s: float

    @property
    def verdicts(self) -> Counter[str]:
        return Counter(seen.verdict for seen in self.seen if seen not in self.excused)

    def cells(self) -> tuple[str, ...]:
        verdicts, slowest_s = self.verdicts, max(seen.took_s for seen in self.seen)
        stale = sum(seen.verdict == "right" and seen.fetched_at is None for seen in self.seen)
        counts = [
            len(self.seen),
            stale,
            *(verdicts[name] for name in FORBIDDEN),
            len(self.excused),
            self.refusals,
        ]
        times = [slowest_s, self.recovered_s, self.allowed_s]
        return (self.name, *map(str, counts), *(f"{value:.1f}" for value in times))

    def violations(self) -> list[str]:
        found = [f"{self.name}: {count} {name}" for name, count in self.verdicts.items() if name in FORBIDDEN]
        for name in FORBIDDEN:
            found += [
                f"  {seen.target.account} {seen.target.path}: {seen.note}"
                for seen in self.seen
                if seen.verdict == name and seen not in self.excused
            ][:3]
        if self.refusals:
            found.append(f"{self.name}: {self.refusals} 429s at the exchange")
        if self.recovered_s > self.allowed_s:
            found.append(
                f"{self.name}: fresh everywhere after {self.recovered_s:.1f} s, not {self.allowed_s:g}"
            )
        return found


def table(rows: list[Row]) -> str:
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    texts = (
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    return "\n".join(texts)


@dataclass
class Storm:
    """hold_s: how long a disturbance lasts."""

    place: Installation
    callers: Callers
    hold_s: float
    rows: list[Row] = field(default_factory=list)

    def drill(
        self,
        name: str,
        disturb: Callable[[], set[int] | None],
        *,
        repair: Callable[[], None] | None = None,
        allowed_s: float = RECOVERY_S,
    ) -> None:
        """Disturb, hold, repair, and wait until everything is fresh again.

        Without `repair` the time counts from the disturbance: it is to be survived as it is. disturb: may return the
        callers' ports whose connections it cut.
        """
        refusals, before = self.place.refusals(), len(self.callers.seen)
        began = time.monotonic()
        cut = disturb() or set()
        if repair is not None:
            self._hold()
            repair()
        since = began if repair is None else time.monotonic()
        recovered_s = self._recovered_s(since, before, allowed_s + 10)
        self._hold()
        seen = self.callers.since(before)
        # A cut connection loses one request at most: the caller opens another one.
        excused = [one for one in seen if one.verdict == "lost" and one.port in cut]
        self.rows.append(Row(name, seen, excused, self.place.refusals() - refusals, recovered_s, allowed_s))

    def quiet(self) -> None:
        self.drill("nothing", lambda: None)

    def redis(self) -> None:
        self.drill("Redis killed", self.place.redis.stop)
        self.drill("Redis is back", self.place.redis.start)
        wait_until(self._reunited, 20, "the return of every process to Redis")

    def faults(self, *, one_by_one: bool) -> None:
        for name, details in FAULTS.items():
            if one_by_one:
                self.drill(
                    name,
                    lambda n=name, d=details: self._fault(n, d),
                    repair=self._heal,
                    allowed_s=OUTAGE_RECOVERY_S,
                )
        if not one_by_one:
            self.drill("every fault", self._all_faults, repair=self._heal, allowed_s=OUTAGE_RECOVERY_S)

    def worker(self) -> None:
        self.drill("worker killed", self._kill_worker)
        wait_until(lambda: len(self.place.first.workers()) == 3, 20, "the third worker")

    def reload(self) -> None:
        before = self.place.first.workers()
        self.drill("reload", lambda: self.place.first.process.popen.send_signal(signal.SIGHUP))
        wait_until(
            lambda: not any(map(runs, before)) and len(self.place.first.workers()) == 3,
            40,
            "three new workers",
        )

    def clock(self) -> None:
        self.drill("clock +60 s", lambda: self.place.clock.set(60))
        self.drill("clock -60 s", lambda: self.place.clock.set(0))

    def disk(self) -> None:
        pids = self.place.pids()
        self.drill(f"disk full ({self.place.disk.kind})", lambda: self.place.disk.fill(pids))
        self.place.disk.free(pids)

    def _hold(self) -> None:
        until = time.monotonic() + self.hold_s
        wait_until(lambda: time.monotonic() > until, self.hold_s + 5)

    def _recovered_s(self, since: float, before: int, longest_s: float) -> float:
        """Infinite when it never was."""

        def look() -> float | None:
            return fresh_everywhere(self.callers.since(before), self.callers.targets, since)

        try:
            found: float = wait_until(look, longest_s)
        except AssertionError:
            return float("inf")
        return found - since

    def _fault(self, name: str, details: dict[str, object]) -> None:
        for exchange in self.place.exchanges:
            exchange.fault(**{"mode": name} | details)

    def _all_faults(self) -> None:
        for name, details in FAULTS.items():
            self._fault(name, details)
            self._hold()

    def _heal(self) -> None:
        for exchange in self.place.exchanges:
            exchange.heal()

    def _reunited(self) -> bool:
        return self.place.said("Redis is back") == self.place.said("Redis is lost")

    def _kill_worker(self) -> set[int]:
        """Stopped first, so that it takes no more connections after they are listed."""
        pid = self.place.first.workers()[0]
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: state(pid) == "T", 5, "the stop of the worker")
        ports = callers_of(pid, self.place.first.port)
        os.kill(pid, signal.SIGKILL)
        return ports


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def callers_of(pid: int, port: int) -> set[int]:
    """The ports at the other ends of the connections that this process holds on `port`."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        if found := re.fullmatch(r"socket:\[(\d+)\]", str(link.readlink())):
            inodes.add(found[1])
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    ends = [(row[1].split(":")[1], row[2].split(":")[1]) for row in rows if row[9] in inodes]
    return {int(other, 16) for own, other in ends if int(own, 16) == port}
