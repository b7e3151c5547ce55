"""Never more answers than requests, and none to bytes that were not meant as a request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest

from kalshi.server import bounded
from kalshi.tests.edge.streams import answers, compare, stream
from kalshi.tests.edge.test_protocol import Application, Running, get, read
from kalshi.tests.servers import wait_until

UPGRADE = b"Host: x\r\nUpgrade: %b\r\nConnection: Upgrade\r\n"
HIDDEN = get("/hidden")


class Echo(Application):
    """The answer's body is the path. Those under /long come the long way, and /long/slow takes its time."""

    def answer(self, read: Any, changing: tuple[bytes, ...]) -> Any:
        asked, _ = read
        reply = super().answer(read, changing)
        if reply is None or asked.raw_path.startswith(b"/long"):
            return None
        body = asked.raw_path
        return reply._replace(
            head=b"content-length: %d\r\n\r\n" % len(body), body=body if asked.method == "GET" else b""
        )

    begun = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        while scope["method"] == "POST" and (await receive()).get("more_body"):
            pass
        self.begun += 1
        body = scope["raw_path"]
        if body == b"/long/slow":
            await asyncio.sleep(0.05)
        names = b",".join(name for name, _ in scope["headers"] if name.startswith(b"x-"))
        headers = [(b"content-length", b"%d" % len(body)), (b"x-names", names)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    protocol = partial(bounded.BoundedProtocol, of_the_process=bounded.OfTheProcess())
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        patch.setattr(bounded, "REQUEST_S", 0.3)
        running = Running(Echo(), listener, protocol, keep_alive_s=0.3)
        yield running
        running.server.should_exit = True
        running.thread.join(10)


def everything(server: Running, pieces: list[bytes]) -> bytes:
    """All that comes back until the server closes, or the answer to the last request is there."""
    [text] = everything_of(server, [pieces])
    return text


def everything_of(server: Running, streams: list[list[bytes]]) -> list[bytes]:
    """The same of several connections, which wait side by side."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in streams]
        for connection, pieces in zip(connections, streams, strict=True):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    connection.sendall(piece)
        return [_all_of(connection) for connection in connections]


def _all_of(connection: socket.socket) -> bytes:
    seen = b""
    with contextlib.suppress(ConnectionError):
        while not seen.endswith(b"/the-end") and (chunk := connection.recv(65536)):
            seen += chunk
    return seen


@pytest.mark.parametrize("protocol", [b"x", b"websocket", b"h2c"])
@pytest.mark.parametrize("path", [b"/", b"/long/slow"])
@pytest.mark.parametrize("apart", [True, False], ids=["in a later packet", "in one packet"])
def test_a_request_in_the_body_of_an_upgrade_is_not_answered(
    server: Running, protocol: bytes, path: bytes, apart: bool
) -> None:
    head = b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (path, UPGRADE % protocol, len(HIDDEN))
    begun = server.application.begun
    with server.connect() as connection, connection.makefile("rb") as reading:
        connection.sendall(head if apart else head + HIDDEN)
        if apart:
            wait_until(lambda: server.application.begun > begun, 5, "the first request")
            connection.sendall(HIDDEN)
        assert read(reading).endswith(path)
        assert reading.read() == b""


@pytest.mark.parametrize(
    "last",
    [
        b"CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n",
        b"GET /long/slow HTTP/1.1\r\n" + UPGRADE % b"x" + b"\r\n",
        b"GET /long/slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /long/slow HTTP/1.0\r\nHost: x\r\n\r\n",
        b"GET /long/slow HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    ],
    ids=["CONNECT", "upgrade", "close", "HTTP/1.0", "HTTP/1.0 that wants to stay"],
)
@pytest.mark.parametrize("apart", [True, False], ids=["later", "at once"])
def test_nothing_is_read_after_the_last_request(server: Running, last: bytes, apart: bool) -> None:
    pieces = [last, HIDDEN] if apart else [last + HIDDEN]
    assert b"/hidden" not in everything(server, pieces)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: x\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nabc\r\n0\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_two_readers_could_understand_differently_is_refused(
    server: Running, sent: bytes, status: int
) -> None:
    [(found, body)] = answers(everything(server, [sent, HIDDEN]), [])
    assert found == status
    assert json.loads(body)["code"] == "bad_request"


@pytest.mark.parametrize("target", ["/long", "/", "http://x/long", "HTTP://X/?a=b"])
def test_an_address_may_name_the_host_again(server: Running, target: str) -> None:
    [answer] = server.ask(get(target))
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_trailer_is_not_a_header(server: Running) -> None:
    head = b"POST /long HTTP/1.1\r\nHost: x\r\nX-Head: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    [answer] = server.ask(head + b"0\r\nX-Trailer: 1\r\n\r\n")
    assert b"x-names: x-head\r\n" in answer


@pytest.mark.parametrize("broken", [b"GARBAGE", b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n"])
def test_an_answer_is_not_broken_off_by_a_refusal(server: Running, broken: bytes) -> None:
    text = everything(server, [get("/long/1") + get("/long/2") + broken + b"\r\n\r\n"])
    assert answers(text, []) == [(200, b"/long/1"), (200, b"/long/2")]


def test_a_broken_body_behind_another_request_gets_no_answer(server: Running) -> None:
    broken = b"POST /long/2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    assert answers(everything(server, [get("/long/1") + broken]), []) == [(200, b"/long/1")]


def test_a_body_that_breaks_after_its_answer_only_ends_the_connection(server: Running) -> None:
    head = b"PUT /long HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"  # answered before its body
    with server.connect() as connection, connection.makefile("rb") as reading:
        connection.sendall(head)
        assert read(reading).endswith(b"/long")
        connection.sendall(b"zz\r\n")
        assert reading.read() == b""


def test_only_so_many_requests_wait_behind_another(server: Running) -> None:
    text = everything(server, [get("/long") * 1_000])
    assert 2 <= len(answers(text, [])) <= 40


def test_what_follows_the_last_request_is_not_taken_for_ever(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET /long HTTP/1.1\r\n" + UPGRADE % b"x" + b"\r\n")
        sent = 0
        with pytest.raises(OSError):
            while sent < 50_000_000:
                connection.sendall(b"X: " + b"a" * 65_536)
                sent += 65_536


def compare_many(server: Running, numbers: range) -> None:
    """With streams made from these numbers, sixteen side by side."""
    for first in numbers[::16]:
        sent = [[*stream(Random(first + place)), get("/the-end")] for place in range(16)]
        for pieces, text in zip(sent, everything_of(server, sent), strict=True):
            compare(pieces, text)


def test_it_answers_no_more_than_a_strict_reader_would(server: Running) -> None:
    compare_many(server, range(3_200))


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_nor_over_thousands_of_streams(server: Running) -> None:
    compare_many(server, range(10_000, 60_000))


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"Host: x\r\nX: " + b"a" * 17_000, b"431"),
        (b"Host: x\r\nHost: y", b"400"),
        (b"Host: x\r\n broken", b"400"),
        (b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\nno length", b"400"),
    ],
    ids=["too long", "two hosts", "not HTTP", "body"],
)
@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
def test_a_refused_head_has_no_body_and_what_a_get_has_otherwise(
    server: Running, method: bytes, lines: bytes, status: bytes
) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(method + b" /long HTTP/1.1\r\n" + lines + b"\r\n\r\n")
        head, _, body = stream.read().partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert head.split()[1] == status and length is not None and int(length[1])
    assert len(body) == (0 if method == b"HEAD" else int(length[1]))


def test_what_is_no_request_after_a_head_is_told_so_with_a_body(server: Running) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        read(stream, head_only=True)
        connection.sendall(b"\x16\x03nonsense\r\n\r\n")
        assert stream.read().endswith(b'"request_id": "-"}')


def test_a_body_that_is_refused_is_not_asked_for(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /long HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = everything(server, [head + b"no length\r\n"])
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1
    assert server.ask(get("/"))  # whatever the first one's task had to say is said
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
