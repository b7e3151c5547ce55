"""A file that is replaced or cut off while the server runs costs its reader the connection, and the log one line."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from kalshi.server.changed_files import EVERY_S, Warnings
from kalshi.tests.edge.test_protocol import get
from kalshi.tests.server.conftest import LARGE, Served


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def until_the_end(served: Served) -> bytes:
    """What comes of the file until the server ends the connection."""
    received = b""
    with served.connect() as connection:
        connection.sendall(get("/file"))
        while True:
            try:
                piece = connection.recv(2**20)
            except ConnectionResetError:
                return received
            if not piece:
                return received
            received += piece


def is_told_once(log: pytest.LogCaptureFixture) -> bool:
    told = [record for record in log.records if record.levelno >= logging.WARNING]
    assert [(record.levelname, record.exc_info) for record in told] == [("WARNING", None)]
    return "/file" in told[0].getMessage()


@pytest.mark.parametrize("size", [0, 1_000, LARGE - 1, LARGE + 1, LARGE + 200_000])
def test_each_request_ends_and_one_warning_tells_of_all(
    served: Served, tmp_path: Path, log: pytest.LogCaptureFixture, size: int
) -> None:
    os.truncate(tmp_path / "file", size)
    for _ in range(3):
        assert until_the_end(served) == b""
    assert is_told_once(log)
    (answer,) = served.ask(get("/now"))
    assert answer.endswith(b"/now 0")


def test_a_reader_of_a_file_that_is_cut_off_meanwhile_gets_no_more(
    served: Served, tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    with served.connect() as connection:
        connection.sendall(get("/file"))
        received = len(connection.recv(1_000))
        os.truncate(tmp_path / "file", 70_000)
        try:
            while piece := connection.recv(2**20):
                received += len(piece)
        except ConnectionResetError:
            pass
    assert received < LARGE
    assert is_told_once(log)


def test_a_head_request_is_answered_all_the_same(served: Served, tmp_path: Path) -> None:
    os.truncate(tmp_path / "file", 1_000)
    with served.connect() as connection:
        connection.sendall(get("/file", method="HEAD"))
        assert connection.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_a_path_is_told_of_once_a_minute_and_each_path_for_itself() -> None:
    warnings = Warnings()
    moments = [("/a", 0.0), ("/a", EVERY_S - 1), ("/b", EVERY_S - 1), ("/a", EVERY_S), ("/a", EVERY_S + 1)]
    assert [warnings.is_due(*moment) for moment in moments] == [True, False, True, True, False]
