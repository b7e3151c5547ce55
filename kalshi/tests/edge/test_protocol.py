"""What goes over the wire when a real server takes the short cut, and what must not take it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from kalshi.edge.access_log import AccessLog
from kalshi.edge.app import Edge
from kalshi.server.protocol import AT_ONCE, DECLINED, Asked, AtOnceProtocol, Reply, ShortCut
from kalshi.services.metrics import Counts
from kalshi.tests.servers import wait_until

BODY = b"short" * 10
LARGE = b"x" * 200_000


class Application:
    """Answers everything but /long and /broken at once. The long way tells itself by its body."""

    def __init__(self) -> None:
        self.peers: list[str] = []
        self.declined: list[bool] = []
        self.parsed = 0

    def read(self, asked: Asked, peer: str) -> tuple[tuple[Asked, str], tuple[bytes, ...]] | None:
        self.parsed += 1
        if asked.raw_path == b"/unreadable":
            raise ZeroDivisionError
        if asked.raw_path == b"/unread":
            return None
        headers = dict(asked.headers)
        changing = tuple(headers[name] for name in (b"signature", b"time") if name in headers)
        return (asked, peer), changing

    def answer(self, read: tuple[Asked, str], changing: tuple[bytes, ...]) -> Reply | None:
        asked, peer = read
        self.peers.append(peer)
        if asked.raw_path == b"/broken":
            raise ZeroDivisionError
        if asked.raw_path == b"/long" or any(not value.isalnum() for value in changing):
            return None
        body = LARGE if asked.raw_path == b"/large" else BODY + asked.query + b"+".join(changing)
        head = b"content-length: %d\r\n\r\n" % len(body)
        return Reply(200, head, body if asked.method == "GET" else b"")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"][AT_ONCE] = ShortCut(self.read, self.answer, lambda read: "somebody")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.declined.append(DECLINED in scope.get("extensions", {}))
        body = scope["query_string"] or b"long"
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


class Running:
    def __init__(
        self,
        application: Application,
        listener: socket.socket,
        protocol: Any = AtOnceProtocol,
        keep_alive_s: float = 1,
    ) -> None:
        self.application = application
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            application,
            http=protocol,
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            timeout_keep_alive=keep_alive_s,  # type: ignore[arg-type]  # asyncio takes fractions
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listener],))
        self.thread.start()
        wait_until(lambda: self.server.started, 10, "the server")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=5)

    def ask(self, *pieces: bytes, answers: int = 1) -> list[bytes]:
        """Send the pieces on one connection; all answers' texts."""
        with self.connect() as connection, connection.makefile("rb") as stream:
            for piece in pieces:
                connection.sendall(piece)
            return [read(stream) for _ in range(answers)]


def read(stream: Any, *, head_only: bool = False) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        assert line, head
        head += line
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    assert length is not None
    return head + (b"" if head_only else stream.read(int(length[1])))


@contextlib.contextmanager
def serving() -> Iterator[Running]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Running(Application(), listener)
        yield running
        running.server.should_exit = True
        running.thread.join(10)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with serving() as running:
        yield running


@pytest.fixture
def new_server() -> Iterator[Running]:
    """One that knows no request yet."""
    with serving() as running:
        yield running


def get(path: str = "/", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *headers, "", ""]).encode()


def test_a_short_answer_is_a_whole_one_and_has_the_servers_date(server: Running) -> None:
    (answer,) = server.ask(get("/?a=1"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.fullmatch(rb"HTTP/1.1 200 OK\r\ndate: [^\r]+ GMT\r\ncontent-length: 53", head)
    assert body == BODY + b"a=1"
    assert server.application.peers[-1] == "127.0.0.1"


def test_the_same_bytes_again_and_others_after_them_on_one_connection(server: Running) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        for path in ("/?a=1", "/?a=1", "/?a=2", "/long", "/?a=1", "/long", "/?a=2"):
            connection.sendall(get(path))
            answer = read(stream)
            assert answer.endswith(b"long" if path == "/long" else path[2:].encode()), path


def test_requests_that_come_at_once_are_answered_in_their_order(server: Running) -> None:
    paths = ["/?a=1", "/long", "/?a=2", "/?a=3", "/long", "/?a=4"]
    for _ in range(2):
        answers = server.ask(b"".join(map(get, paths)), answers=len(paths))
        assert [answer[-3:] for answer in answers] == [
            b"ong" if path == "/long" else path[2:].encode() for path in paths
        ]


def test_a_request_with_values_of_its_own_is_known_by_all_the_rest(new_server: Running) -> None:
    def signed(time: str, signature: str, *more: str) -> bytes:
        return get("/", f"Time: {time}", "Accept: */*", f"Signature: {signature}", *more)

    def asks(*requests: bytes) -> tuple[list[bytes], int]:
        before = new_server.application.parsed
        answers = [new_server.ask(request)[0].rpartition(b"short")[2] for request in requests]
        return answers, new_server.application.parsed - before

    assert asks(signed("101", "aaa"), signed("102", "bbb"), signed("103", "ccc")) == (
        [b"aaa+101", b"bbb+102", b"ccc+103"],
        1,
    )
    assert asks(signed("102", "bbb"), signed("104", "104")) == ([b"bbb+102", b"104+104"], 0)
    # Another place, another length, or anything else that is not the same: parsed.
    assert asks(signed("1021", "bb")) == ([b"bb+1021"], 1)
    assert asks(signed("102", "bbb", "X: 1")) == ([b"bbb+102"], 1)
    assert asks(signed("102", "bbb", "X: 2")) == ([b"bbb+102"], 1)
    # What is no value of its kind is the business of the long way, however it would have been cut.
    (refused,) = new_server.ask(signed("1 2", "a:b"))
    assert refused.endswith(b"long")
    # One value twice in a request has no place of its own, and the next is parsed too.
    assert asks(signed("777", "777"), signed("778", "aaa", "X: 9"), signed("779", "779", "X: 9")) == (
        [b"777+777", b"aaa+778", b"779+779"],
        2,
    )


def test_the_bytes_that_a_signed_request_is_known_by_are_no_request(server: Running) -> None:
    signed = get("/", "Time: 101", "Signature: aaa")
    assert server.ask(signed)[0].endswith(b"shortaaa+101")
    rest = signed.replace(b"101", b"\0").replace(b"aaa", b"\0")
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(rest)
        assert stream.read().startswith(b"HTTP/1.1 400 ")


def test_a_request_in_pieces_is_not_taken_for_a_known_one(server: Running) -> None:
    known = get("/?a=1")
    server.ask(known)
    # The known bytes as a body: no request of their own.
    answers = server.ask(
        get("/long", f"Content-Length: {len(known)}", method="POST"), known, get("/?a=5"), answers=2
    )
    assert [answer[-3:] for answer in answers] == [b"ong", b"a=5"]
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(b"GET /?a=6 HTTP/1.1\r\nX: ")
        connection.sendall(known)
        assert read(stream).endswith(b"a=6")


def test_a_head_request_gets_the_length_and_no_body(server: Running) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(get(method="HEAD") + get("/?a=1"))
        assert b"content-length: 50\r\n" in read(stream, head_only=True)
        assert read(stream).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        get(method="POST"),
        get("/", "X-Forwarded-For: 10.1.1.1"),
        get("/", "x-forwarded-proto: https"),
        get("/", "Content-Length: 0"),
        get("/", "Expect: 100-continue"),
        get("/", "Connection: Upgrade", "Upgrade: h2c"),
        get("/", "Connection: close"),
        get(version="1.0"),
    ],
)
def test_what_the_server_itself_must_act_on_goes_the_long_way_unasked(
    server: Running, request_bytes: bytes
) -> None:
    for _ in range(2):
        (answer,) = server.ask(request_bytes)
        assert answer.endswith(b"long")
        assert server.application.declined[-1] is False


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_connection_ends_where_the_caller_wants_it(server: Running, version: str) -> None:
    headers = ["Connection: close"] if version == "1.1" else []
    with server.connect() as connection:
        connection.sendall(get("/", *headers, version=version))
        assert connection.makefile("rb").read().endswith(b"long")


@pytest.mark.parametrize("path", ["/long", "/broken", "/unread", "/unreadable"])
def test_a_request_without_a_short_answer_is_asked_for_once_and_marked(server: Running, path: str) -> None:
    before = server.application.parsed
    (answer,) = server.ask(get(path))
    assert answer.endswith(b"long")
    assert server.application.parsed == before + 1
    assert server.application.declined[-1] is True


def test_a_bad_request_after_a_short_answer_is_400(server: Running) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(get())
        read(stream)
        connection.sendall(b"nonsense\r\n\r\n")
        assert stream.read().startswith(b"HTTP/1.1 400 ")


def test_a_caller_who_does_not_read_is_given_no_more_than_the_buffers_hold(server: Running) -> None:
    with server.connect() as connection:
        before = len(server.application.peers)
        connection.sendall(get("/large") * 200)
        stream = connection.makefile("rb")
        assert read(stream).endswith(b"xxx")
        server.ask(get())  # whose answer shows that the server is done with those bytes
        assert len(server.application.peers) - before < 150
        with contextlib.suppress(AssertionError):
            for _ in range(199):
                read(stream)


def test_an_idle_connection_is_closed_after_a_while_and_not_before(server: Running) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.settimeout(0.7)
        for _ in range(3):
            connection.sendall(get())
            read(stream)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        connection.settimeout(3)
        assert connection.recv(1) == b""


def test_the_request_that_was_sent_to_renew_a_copy_is_not_answered_from_the_copy() -> None:
    """Asked a second time, the edge would find that somebody renews it already: this very request."""
    through: list[str] = []

    async def django(scope: Any, receive: Any, send: Any) -> None:
        del receive, send
        through.append(scope["path"])

    def never(*_: object) -> None:
        raise AssertionError("asked again")

    edge = Edge(django, AccessLog(Counts(), redact=str), Counts())
    edge._ready.find = never  # type: ignore[method-assign]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "scheme": "http",
        "headers": [],
        "extensions": {DECLINED: {}},
    }
    asyncio.run(edge(scope, None, None))  # type: ignore[arg-type]
    assert through == ["/x"]
