"""One JSON line for every request, whichever way it was answered. Written by a thread of its own.

The event loop only puts a line into a bounded queue: a reader of the log that stands still must not hold up
answers. Lines that do not fit are counted, and the count is logged. Nothing here passes through logging, so secrets are
taken out of paths and queries here.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple, TextIO
from urllib.parse import unquote

from kalshi.services.metrics import Counts

EVERY_S = 0.2
MAX_LINES = 100_000

MASK = "***"
_SIGN_IN = re.compile(r"(/sign-in/+)[^/?\s]+")
# Our bearer tokens, wherever somebody puts one.
_TOKEN = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{64}(?![0-9A-Fa-f])")
_SECRET_NAME = re.compile(
    r"key|secret|token|passw|pem|credential|signature|auth|cookie|session|code|jwt|bearer", re.IGNORECASE
)


def path_for_log(raw_path: bytes, query: bytes, redact: Callable[[str], str]) -> str:
    """Path and query as the inside of a JSON string, without secrets. redact: masks what else is known as one."""

    def shown(text: str) -> str:
        """As sent, unless something has to be masked in it, however it was percent-encoded."""
        plain = unquote(unquote(text)) if "%" in text else text
        masked = redact(_TOKEN.sub(MASK, _SIGN_IN.sub(rf"\1{MASK}", plain)))
        return text if masked == plain else masked

    def parameter(text: str) -> str:
        name, given, value = text.partition("=")
        if value and _SECRET_NAME.search(unquote(unquote(name))):
            return f"{name}={MASK}"
        return f"{shown(name)}{given}{shown(value)}"

    line = shown(raw_path.decode("latin-1"))
    if query:
        line += "?" + "&".join(map(parameter, query.decode("latin-1").split("&")))
    return json.dumps(line)[1:-1]


@lru_cache(maxsize=8)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()[:-6]


_quoted = lru_cache(maxsize=1024)(json.dumps)


class Line(NamedTuple):
    """at: epoch seconds; path: from `path_for_log`; status: 0 when the client left; way: "edge" or "django"."""

    at: float
    peer: str
    method: str
    path: str
    status: int
    took_s: float
    request_id: str
    way: str

    def __str__(self) -> str:
        second, milliseconds = divmod(int(self.at * 1000), 1000)
        stamp = f"{_second(second)}.{milliseconds:03}"
        return (
            f'{{"event": "request", "level": "info", "logger": "access", "timestamp": "{stamp}Z", '
            f'"peer": {_quoted(self.peer)}, "method": "{self.method}", "path": "{self.path}", '
            f'"status": {self.status}, "ms": {self.took_s * 1000:.1f}, '
            f'"way": "{self.way}", "request_id": "{self.request_id}"}}\n'
        )


class AccessLog:
    """`add` belongs to the event loop; the thread starts with `start` and writes what is left at `stop`."""

    def __init__(self, counts: Counts, stream: TextIO | None = None, *, most: int = MAX_LINES) -> None:
        self._counts = counts
        self._stream = stream
        self._most = most
        self._lines: deque[Line] = deque()
        self._dropped = 0
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, line: Line) -> None:
        if len(self._lines) < self._most:
            self._lines.append(line)
        else:
            self._dropped += 1

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self._write()
        self._write()

    def _write(self) -> None:
        count = len(self._lines)
        if not count and not self._dropped:
            return
        lines = [str(self._lines.popleft()) for _ in range(count)]
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._counts.dropped_lines += dropped
            lines.append(
                f'{{"event": "{dropped} access-log lines were dropped", "level": "warning", "logger": "access"}}\n'
            )
        stream = self._stream or sys.stderr
        try:
            stream.write("".join(lines))
            stream.flush()
        except (OSError, ValueError):
            # A full disk or a closed pipe must not end the thread; what it cost is said when writing works again.
            self._dropped += count
