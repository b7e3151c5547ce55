"""Callers who ask without end and judge every answer against what the exchange itself says."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PAUSE_S = 0.02
TIMEOUT_S = 20.0
ROUTES = ("balance/", "positions/?limit=3", "orders/?limit=7", "events/?limit=5")
"""Their frozen answers differ from account to account; a market is added to them."""


@dataclass(frozen=True, eq=False)
class Target:
    """One endpoint of one account. `body` is the exchange's own, fetched past the gateway."""

    account: str
    port: int
    path: str
    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer. At `at` (monotonic), after `took_s`.

    verdict: right; wrong (a body, or a 304, that this endpoint of this account never had); mixed (the body of another
    account or endpoint); 500; refused (any other status than 200 and 304); lost (no answer).
    fetched_at: when the exchange was asked, at the earliest; None for a stale copy.
    port: the caller's own, which tells the server process.
    """

    at: float
    target: Target
    verdict: str
    took_s: float
    fetched_at: float | None
    port: int
    note: str


@dataclass
class Callers:
    """Threads with connections of their own, each with one token and all targets. `seen` grows while they run."""

    targets: list[Target]
    tokens: list[str]
    seen: list[Seen] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, count: int) -> None:
        for number in range(count):
            thread = threading.Thread(target=self._ask, args=(number,), name=f"caller-{number}")
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def since(self, number: int) -> list[Seen]:
        """What was seen after the first `number` answers."""
        return self.seen[number:]

    def _ask(self, number: int) -> None:
        """Every fourth caller opens a connection for each request, as a script does."""
        chance = random.Random(number)  # the same questions in every run
        connections: dict[int, http.client.HTTPConnection] = {}
        while not self._over.wait(PAUSE_S):
            target = chance.choice(self.targets)
            headers = {"Authorization": f"Bearer {self.tokens[number % len(self.tokens)]}"}
            drawn = chance.random()
            if drawn < 0.3:
                headers["If-None-Match"] = target.etag
            elif drawn > 0.98:
                headers["Cache-Control"] = "no-cache"
            connection = connections.get(target.port)
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=TIMEOUT_S)
                connections[target.port] = connection
            seen = self._once(connection, target, headers)
            self.seen.append(seen)
            if number % 4 == 3 or seen.verdict == "lost":
                connection.close()
        for connection in connections.values():
            connection.close()

    def _once(self, connection: http.client.HTTPConnection, target: Target, headers: dict[str, str]) -> Seen:
        began = time.monotonic()
        port = 0
        try:
            if connection.sock is None:
                connection.connect()
            port = connection.sock.getsockname()[1]
            connection.request("GET", target.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            now = time.monotonic()
            return Seen(now, target, "lost", now - began, None, port, repr(problem))
        now = time.monotonic()
        verdict = self.judge(target, "If-None-Match" in headers, answer, body)
        note = f"{answer.status} {answer.headers.get('Cache-Status')}"
        if verdict != "right":
            note += f" {body[:200]!r}"
        return Seen(now, target, verdict, now - began, fetched_at(answer, now, began), port, note)

    def judge(self, target: Target, conditional: bool, answer: http.client.HTTPResponse, body: bytes) -> str:
        if answer.status == 500:
            return "500"
        if answer.status not in {200, 304}:
            return "refused"
        if any(body == other.body for other in self.targets if other is not target):
            return "mixed"
        expected = (304, b"") if conditional else (200, target.body)
        as_expected = (answer.status, body) == expected and answer.headers["ETag"] == target.etag
        return "right" if as_expected else "wrong"


def fetched_at(answer: http.client.HTTPResponse, now: float, began: float) -> float | None:
    """From `Cache-Status` and `Age`, which is rounded down. None for a stale copy, and for an error."""
    status = answer.headers.get("Cache-Status", "")
    if answer.status not in {200, 304} or "ttl=-" in status:
        return None
    if status.endswith("; stored") or "fwd=" in status:
        return began
    return now - int(answer.headers["Age"]) - 1


def fresh_everywhere(seen: Iterable[Seen], targets: list[Target], since: float) -> float | None:
    """When every target had given an answer fetched after `since`; None while one has not."""
    first: dict[Target, float] = {}
    for one in seen:
        if one.fetched_at is not None and one.fetched_at >= since:
            first.setdefault(one.target, one.at)
    return max(first.values()) if len(first) == len(targets) else None


@contextmanager
def asking(targets: list[Target], tokens: list[str], count: int) -> Iterator[Callers]:
    callers = Callers(targets, tokens)
    callers.start(count)
    try:
        yield callers
    finally:
        callers.stop()
