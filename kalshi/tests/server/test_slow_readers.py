"""Who takes no answer is given up, who takes it slowly is not, and what waits for all of them is bounded."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from kalshi.server import slow_readers
from kalshi.tests.edge.test_protocol import get
from kalshi.tests.server.conftest import LARGE, Served
from kalshi.tests.servers import wait_until


def slow(served: Served, path: str = "/file") -> socket.socket:
    """A connection that has asked and reads nothing; the system keeps little for it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(("127.0.0.1", served.port))
    client.sendall(get(path))
    return client


def connections(served: Served) -> int:
    return len(served.server.server_state.connections)


def test_who_reads_nothing_is_closed_and_nothing_is_kept_for_them(served: Served) -> None:
    clients = [slow(served) for _ in range(20)]
    wait_until(lambda: slow_readers.unread.total > 0, 10, "something unread")
    wait_until(lambda: connections(served) == 0, 20, "the end of the connections")
    assert slow_readers.unread.total == 0
    assert served.site.rooms.memory.left == slow_readers.MAX_UNREAD_BYTES
    for client in clients:
        client.close()


def test_who_reads_a_byte_now_and_then_is_closed(served: Served) -> None:
    with slow(served) as client:
        wait_until(lambda: connections(served) == 1, 10, "the connection")

        def a_byte() -> bool:
            with contextlib.suppress(OSError):
                client.recv(1)
            return connections(served) == 0

        wait_until(a_byte, 20, "the end of the connection")


def test_who_reads_slowly_gets_everything(served: Served) -> None:
    with slow(served) as client:
        started, count = time.monotonic(), 0
        while count < LARGE:
            piece = client.recv(200_000)
            assert piece, f"closed after {count} bytes"
            count += len(piece)
            # Slower than the time that a reader without progress has.
            while time.monotonic() - started < count * 2.5 * slow_readers.STALL_S / LARGE:
                time.sleep(0.01)  # the reader's pace
        assert time.monotonic() - started > 2 * slow_readers.STALL_S


def test_beyond_the_bound_of_all_together_the_largest_is_closed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_readers, "STALL_S", 60.0)
    monkeypatch.setattr(slow_readers, "MAX_UNREAD_BYTES", 40_000)
    clients = [slow(served) for _ in range(20)]
    wait_until(lambda: len(served.site.begun) == 20, 10, "the questions")
    wait_until(lambda: 0 < connections(served) < 15, 10, "fewer connections")
    assert slow_readers.unread.total <= 40_000
    for client in clients:
        client.close()
    wait_until(lambda: connections(served) == 0, 10, "the end of the connections")
