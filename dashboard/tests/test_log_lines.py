"""Both writers of the log, the access log's thread and logging itself, to one stream that others share."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import logs
from kalshi import line_stream
from kalshi.edge.access_log import AccessLog
from kalshi.edge.log_path import LogPath
from kalshi.services.metrics import Counts

LINES = 400


@contextmanager
def pipe() -> Iterator[tuple[TextIO, Callable[[], list[bytes]]]]:
    """A stream like standard error with PYTHONUNBUFFERED, as in deploy/, and what closes it and gives what came out.

    It is full most of the time.
    """
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    found: list[bytes] = []
    source = io.BufferedReader(io.FileIO(reading))
    with source, io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True) as stream:  # type: ignore[type-var]
        reader = threading.Thread(target=lambda: found.extend(source))
        reader.start()

        def lines() -> list[bytes]:
            stream.close()
            reader.join(30)
            return found

        yield stream, lines
        lines()


def test_no_line_comes_into_the_middle_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe() as (stream, lines):
        monkeypatch.setattr("sys.stderr", stream)
        handler = logs.LineHandler()
        handler.setFormatter(logging.Formatter('{"event": "%(message)s"}'))
        log = AccessLog(Counts(), redact=str)

        def logged() -> None:
            for _ in range(LINES):
                handler.handle(logging.makeLogRecord({"msg": "x" * 15_000}))

        def asked() -> None:
            for _ in range(LINES // 40):
                for _ in range(40):
                    path = LogPath(b"/" + b"y" * 30, b"")
                    log.add((0.0, "127.0.0.1", "GET", path, 200, 0.001, "id", "edge"))
                log._write()

        writers = [threading.Thread(target=each) for each in (logged, asked)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join(60)
        events = [json.loads(line)["event"][:7] for line in lines()]
    assert sorted(events) == ["request"] * LINES + ["x" * 7] * LINES


@given(st.lists(st.sampled_from(["", "a", "x" * 3000, "x" * 4094, "x" * 4095, "x" * 4096, "x" * 9000])))
def test_lines_are_written_whole_and_together_only_where_no_process_can_come_between(
    texts: list[str],
) -> None:
    whole = "".join(f"{text}\n" for text in texts).encode()
    written = list(line_stream.pieces(whole))
    assert b"".join(written) == whole
    assert all(piece.endswith(b"\n") and (len(piece) <= 4096 or piece.count(b"\n") == 1) for piece in written)


def test_after_a_line_that_was_written_in_part_the_next_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up takes the beginning."""
    real = os.write
    with pipe() as (stream, lines):
        steps = iter([lambda data: real(stream.fileno(), data[:5]), lambda _: real(-1, b"")])
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", lambda _, data: next(steps)(data))
            with pytest.raises(OSError, match="Bad file descriptor"):
                line_stream.put(stream, "the first\n")
        line_stream.put(stream, "the second\n")
        line_stream.put(stream, "the third\n")
        assert lines() == [b"the f\n", b"the second\n", b"the third\n"]


def test_a_process_without_standard_error_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    log = AccessLog(Counts(), redact=str)
    log.add((0.0, "127.0.0.1", "GET", LogPath(b"/", b""), 200, 0.001, "id", "edge"))
    log._write()
    logs.LineHandler().handle(logging.makeLogRecord({"msg": "x"}))
    line_stream.put(stream := io.StringIO(), "in memory\n")
    assert stream.getvalue() == "in memory\n"
