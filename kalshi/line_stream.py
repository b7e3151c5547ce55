"""The one way of whole lines to standard error, which threads and processes share.

Python's own stream, unbuffered, has no lock: while a pipe is full another writer's line comes into the middle of a long
text.
"""

from __future__ import annotations

import io
import os
import select
import stat
import threading
from collections.abc import Iterator
from typing import TextIO

MOST_BYTES = 2**20
"""Of one write to a file or socket."""

# Entered again when a line is written while another is: by the collector of garbage, which may log.
_turn = threading.RLock()


class _Cut:
    """Whether the last line was written in part."""

    here = False


def put(stream: TextIO | None, text: str) -> None:
    """Lines with their ends, or an OSError or ValueError: a full disk, a stream that is closed. None takes nothing."""
    if stream is None:
        return
    with _turn:
        stream.flush()
        try:
            number = stream.fileno()
        except (AttributeError, io.UnsupportedOperation):  # text in memory
            stream.write(text)
            return
        # Only a pipe lets another process's lines into the middle of a write, and small writes cost turns.
        most = select.PIPE_BUF if stat.S_ISFIFO(os.fstat(number).st_mode) else MOST_BYTES
        for piece in pieces(text.encode("utf-8", "backslashreplace"), most):
            _write(number, piece)


def pieces(lines: bytes, most: int = select.PIPE_BUF) -> Iterator[bytes]:
    """Whole lines, as many together as `most` bytes hold; a longer one alone."""
    start = 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + most) + 1 or lines.find(b"\n", start) + 1 or len(lines)
        yield lines[start:end]
        start = end


def _write(number: int, piece: bytes) -> None:
    left = b"\n" + piece if _Cut.here else piece
    while left:
        written = os.write(number, left)
        left = left[written:]
        _Cut.here = bool(left)
