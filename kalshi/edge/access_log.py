"""One JSON line for every request, whichever way it was answered. Written by a thread of its own.

The event loop only puts a line into a queue, bounded in bytes: a reader of the log that stands still must not hold up
answers. Lines that do not fit are counted, and the count is logged. Each line is bounded too, since each of its parts
is.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from kalshi import line_stream
from kalshi.edge.log_path import LogPath, Redact
from kalshi.services.metrics import Counts

EVERY_S = 0.2
MAX_BYTES = 32 * 1024 * 1024
LINE_BYTES = 500
"""What a line takes in memory besides its path."""
BATCH = 1_000
"""Lines that are written at a time."""


@lru_cache(maxsize=8)
def _second(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()[:-6]


_quoted = lru_cache(maxsize=1024)(json.dumps)


# A plain tuple: made for every request, and a NamedTuple takes several times as long.
Line = tuple[float, str, str, LogPath, int, float, str, str]
"""When (epoch seconds), the peer's address, method, path, status (0 when the client left), how long it took in seconds,
request id, and the way: "edge" or "django".
"""


def text_of(line: Line, redact: Redact) -> str:
    """One line of JSON. redact: takes secrets out of the path."""
    at, peer, method, path, status, took_s, request_id, way = line
    second, milliseconds = divmod(int(at * 1000), 1000)
    return (
        f'{{"event": "request", "level": "info", "logger": "access", '
        f'"timestamp": "{_second(second)}.{milliseconds:03}Z", '
        f'"peer": {_quoted(peer)}, "method": "{method}", "path": "{path.text(redact)}", '
        f'"status": {status}, "ms": {took_s * 1000:.1f}, "way": "{way}", "request_id": "{request_id}"}}\n'
    )


class AccessLog:
    """`add` belongs to the event loop; the thread starts with `start` and writes what is left at `stop`.

    redact: takes secrets out of a piece of text.
    """

    def __init__(
        self, counts: Counts, stream: TextIO | None = None, *, redact: Redact, most_bytes: int = MAX_BYTES
    ) -> None:
        self._counts = counts
        self._stream = stream
        self._redact = redact
        self._most_bytes = most_bytes
        self._lines: deque[Line] = deque()
        # Bytes since the start. Each number is changed by one side alone, so no lock is needed.
        self._added = 0
        self._taken = 0
        self._dropped = 0
        self._untold = 0  # dropped, and not yet said in the log
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, line: Line) -> None:
        count = LINE_BYTES + line[3].size
        if self._added - self._taken + count <= self._most_bytes:
            self._added += count
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
        """What is there now; lines that come meanwhile are for the next time."""
        left = len(self._lines)
        while left:
            count = min(left, BATCH)
            lines = [self._lines.popleft() for _ in range(count)]
            if not self._put("".join([text_of(line, self._redact) for line in lines])):
                self._dropped += count
            self._taken += sum([LINE_BYTES + path.size for _, _, _, path, *_ in lines])
            left -= count
        dropped, self._dropped = self._dropped, 0
        self._counts.dropped_lines += dropped
        self._untold += dropped
        event = f"{self._untold} access-log lines were dropped"
        if self._untold and self._put(f'{{"event": "{event}", "level": "warning", "logger": "access"}}\n'):
            self._untold = 0

    def _put(self, text: str) -> bool:
        """Whether it was written. A full disk or a closed pipe must not end the thread; what it cost is said when
        writing works again.
        """
        try:
            line_stream.put(self._stream or sys.stderr, text)
        except (OSError, ValueError):
            return False
        return True
