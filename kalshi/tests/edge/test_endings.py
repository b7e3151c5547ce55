"""The last answer of a connection arrives, whatever its caller still sends; and nobody gains by sending on."""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from kalshi.server import bounded, ending
from kalshi.server.slow_readers import ReadersProtocol
from kalshi.tests.edge.test_framing import Echo
from kalshi.tests.edge.test_protocol import Running, get, read
from kalshi.tests.servers import wait_until

LARGE = b"x" * 8_000_000
LATE = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n" * 1_200  # 41 KB
UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
LAST = {
    "close": b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "close, with a body": b"PUT %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 500000\r\n\r\n",
    "HTTP/1.0": b"GET %b HTTP/1.0\r\nHost: x\r\n\r\n",
    "HTTP/1.0, with a body": b"PUT %b HTTP/1.0\r\nHost: x\r\nContent-Length: 500000\r\n\r\n",
    "upgrade": b"GET %b HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n",
    "upgrade, with a body": b"PUT %b HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"Content-Length: 500000\r\n\r\n",
}
last = pytest.mark.parametrize("head", LAST.values(), ids=LAST)


class Answering(Echo):
    """Without waiting for a body, but at /long/form: /long/large has a large answer, /long/closing says itself that it
    is the last.
    """

    last_cycle: Any = lambda: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        self.last_cycle = weakref.ref(receive.__self__)
        path = scope["raw_path"]
        if path == b"/long/form":
            await super().__call__(scope, receive, send)
            return
        body = LARGE if path == b"/long/large" else path
        headers = [(b"content-length", b"%d" % len(body))]
        if path == b"/long/closing":
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    protocol = partial(ReadersProtocol, of_the_process=bounded.OfTheProcess())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Running(Answering(), listener, protocol)
        yield running
        running.server.should_exit = True
        running.thread.join(10)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch, server: Running) -> Iterator[None]:
    """No test depends on how fast this machine sends."""
    monkeypatch.setattr(ending, "LINGER_S", 30.0)
    yield
    wait_until(lambda: not server.server.server_state.connections, 10, "the end of the connections")


def answered(server: Running, *pieces: bytes) -> socket.socket:
    """A connection on which the pieces were sent, and the beginning of an answer is there, not yet taken."""
    connection = server.connect()
    for piece in pieces:
        connection.sendall(piece)
    assert connection.recv(1, socket.MSG_PEEK)
    return connection


def open_connections(server: Running) -> int:
    return len(server.server.server_state.connections)


@last
@pytest.mark.parametrize("path", [b"/long", b"/long/large"])
def test_the_last_answer_arrives_whatever_comes_after_the_request(
    server: Running, head: bytes, path: bytes
) -> None:
    with answered(server, head % path) as connection, connection.makefile("rb") as reading:
        for _ in range(4):
            connection.sendall(LATE)
        answer = read(reading)
        assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(
            LARGE if path == b"/long/large" else path
        )
        assert reading.read() == b""


def test_so_does_one_whose_own_headers_end_the_connection(server: Running) -> None:
    with answered(server, get("/long/closing")) as connection, connection.makefile("rb") as reading:
        for _ in range(4):
            connection.sendall(LATE)
        assert read(reading).endswith(b"/long/closing")
        assert reading.read() == b""


@pytest.mark.parametrize(
    "pieces",
    [[b"zz\r\n", *[LATE] * 4], [b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 6],
    ids=["broken", "too large"],
)
def test_so_does_one_to_a_request_whose_body_is_refused_afterwards(
    server: Running, pieces: list[bytes]
) -> None:
    head = b"PUT /long HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with answered(server, head) as connection, connection.makefile("rb") as reading:
        # Sooner, it would be an answer that is broken off.
        wait_until(lambda: connection.recv(65_536, socket.MSG_PEEK).endswith(b"/long"), 10, "all of it")
        for piece in pieces:
            connection.sendall(piece)
        assert read(reading).endswith(b"/long")
        assert reading.read() == b""


LENGTH = b"Content-Length: 400000\r\n\r\n" + b"x" * 400_000
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n" + b"6000\r\n%b\r\n" % (b"x" * 0x6000) * 16


@pytest.mark.parametrize("body", [LENGTH, CHUNKS], ids=["of a known length", "in chunks"])
def test_a_body_that_is_too_large_is_told_so(server: Running, body: bytes) -> None:
    with server.connect() as connection, connection.makefile("rb") as reading:
        connection.sendall(b"POST /long/form HTTP/1.1\r\nHost: x\r\n" + body)
        answer = read(reading)
        assert answer.startswith(b"HTTP/1.1 413 ") and b"larger than 256 KB" in answer
        assert reading.read() == b""


def test_requests_behind_the_last_one_are_not_answered(server: Running) -> None:
    requests = get("/long/1") + get("/long/closing") + get("/long/2")
    with answered(server, requests) as connection, connection.makefile("rb") as reading:
        assert read(reading).endswith(b"/long/1")
        assert read(reading).endswith(b"/long/closing")
        assert reading.read() == b""


@last
def test_whoever_leaves_is_not_waited_for(server: Running, head: bytes) -> None:
    with answered(server, head % b"/long") as connection, connection.makefile("rb") as reading:
        assert read(reading).endswith(b"/long")
        assert reading.read() == b""
        assert open_connections(server) == 1
    wait_until(lambda: open_connections(server) == 0, 10, "the end of the connection")


@last
def test_whoever_stays_is_not_waited_for_long(
    server: Running, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "LINGER_S", 0.2)
    with answered(server, head % b"/long"):
        wait_until(lambda: open_connections(server) == 0, 10, "the end of the connection")


def test_a_slow_reader_gets_all_of_the_last_answer(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "LINGER_S", 0.05)
    with answered(server, LAST["HTTP/1.0"] % b"/long/large") as connection:
        count = 0
        while count < 4_000_000:
            count += len(connection.recv(100_000))
        connection.sendall(LATE)  # long after the 0.05 s, which begin when all was handed over
        while piece := connection.recv(100_000):
            count += len(piece)
    assert count > len(LARGE)


@last
def test_whoever_sends_on_and_on_is_cut_off(server: Running, head: bytes) -> None:
    with answered(server, head % b"/long") as connection:
        sent = 0
        with pytest.raises(OSError):
            while sent < 50_000_000:
                connection.sendall(LATE)
                sent += len(LATE)


@last
def test_nothing_of_the_request_is_kept_meanwhile(server: Running, head: bytes) -> None:
    with answered(server, head % b"/long", LATE):
        wait_until(lambda: gc.collect() >= 0 and server.application.last_cycle() is None, 10, "its end")
        assert open_connections(server) == 1
