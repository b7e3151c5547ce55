"""A connection that sends too slowly or too much is closed, and no other one is."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from kalshi.server import bounded
from kalshi.tests.edge.test_connections import is_closed
from kalshi.tests.edge.test_protocol import Application, Running, get, read
from kalshi.tests.servers import wait_until

REQUEST_S = 0.5


def bounded_protocol(*proxies: str) -> Any:
    return partial(bounded.BoundedProtocol, of_the_process=bounded.OfTheProcess(proxies))


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as listener:
        patch.setattr(bounded, "REQUEST_S", REQUEST_S)
        running = Running(Application(), listener, bounded_protocol())
        yield running
        running.server.should_exit = True
        running.thread.join(10)


def seconds_until_closed(connection: socket.socket, drip: bytes = b"") -> float:
    """How long the server keeps the connection, to which a byte is sent again and again."""
    started = time.monotonic()
    connection.settimeout(0.1)
    while time.monotonic() - started < 5:
        with contextlib.suppress(TimeoutError):
            try:
                if connection.recv(65536) == b"":
                    return time.monotonic() - started
            except ConnectionError:
                return time.monotonic() - started
        with contextlib.suppress(OSError):
            connection.sendall(drip)
    raise AssertionError("it stayed open")


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET / HT", b"T"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-A: b\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n", b"x"),
        (get(), b"\r\n"),
        (get("/long"), b"G"),
    ],
    ids=["nothing", "line breaks", "request line", "headers", "body", "breaks after", "second request"],
)
def test_a_request_that_does_not_come_to_its_end_is_given_up(
    server: Running, first: bytes, drip: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(first)
        assert seconds_until_closed(connection, drip) < REQUEST_S + 2


def test_a_request_in_pieces_is_answered_and_its_connection_stays(server: Running) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        for path in ("/", "/long", "/"):
            request = get(path)
            connection.sendall(request[:9])
            connection.sendall(request[9:])
            assert read(stream).startswith(b"HTTP/1.1 200")
        started = time.monotonic()
        while time.monotonic() - started < REQUEST_S + 0.3:
            connection.sendall(get("/"))
            assert read(stream).startswith(b"HTTP/1.1 200")


def overlapping(server: Running, requests: list[bytes]) -> Iterator[bytes]:
    """The answers to requests of which each comes with the beginning of the next one."""
    with server.connect() as connection, connection.makefile("rb") as stream:
        sent = 0
        whole = b"".join(requests)
        for end in range(len(requests[0]), len(whole), len(requests[0])):
            connection.sendall(whole[sent : end + 20])
            sent = end + 20
            yield read(stream)


@pytest.mark.parametrize("path", ["/", "/long"])
def test_requests_that_begin_before_the_one_before_is_whole_are_not_one_request(
    server: Running, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MAX_REQUEST_BYTES", 20_000)
    answers = list(overlapping(server, [get(path, "X: " + "x" * 900)] * 60))
    assert len(answers) == 59 and all(answer.startswith(b"HTTP/1.1 200") for answer in answers)


@pytest.mark.parametrize("path", ["/", "/long"])
def test_each_of_them_has_its_own_time(server: Running, path: str) -> None:
    started = time.monotonic()
    for answer in overlapping(server, [get(path)] * 50_000):
        assert answer.startswith(b"HTTP/1.1 200")
        if time.monotonic() - started > 2 * REQUEST_S:
            break


def test_the_last_of_them_is_given_up_when_it_does_not_come_to_its_end(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(get("/long") + b"GET / HT")
        assert seconds_until_closed(connection, b"T") < REQUEST_S + 2


def test_what_comes_before_a_large_request_is_none_of_its_bytes(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MAX_REQUEST_BYTES", 20_000)
    body = b"POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 15000\r\n\r\n" + b"x" * 15_000
    first = get("/long", "X: " + "x" * 12_000)
    answers = server.ask(first + body[:5_000], body[5_000:10_000], body[10_000:], answers=2)
    assert [answer[:12] for answer in answers] == [b"HTTP/1.1 200"] * 2


def test_a_body_without_an_end_behind_another_request_is_cut_off(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "REQUEST_S", 30.0)
    head = b"POST /long HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(get("/long") + head)
        with contextlib.suppress(OSError):
            for _ in range(200):
                # What the parser keeps nothing of: an extension of a chunk.
                connection.sendall(b"1;" + b"x" * 8_000 + b"\r\nx\r\n")
        assert seconds_until_closed(connection) < 5


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (b"GET /" + b"a" * 300_000, 414),
        (b"GET /?" + b"a=1&" * 24_600 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (get("/" + "%41" * 3_000), 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 300_000, 431),
        (b"GET / HTTP/1.1\r\n" + b"X-Y: abcdefgh\r\n" * 20_000, 431),
        (get("/", "Origin: " + "a" * 17_000), 431),
        (get("/long", *[f"X-{number}: {'a' * 1000}" for number in range(17)]), 431),
    ],
    ids=["address", "whole address", "path", "header", "headers", "whole header", "whole headers"],
)
def test_a_long_head_is_refused_and_the_connection_closed(
    server: Running, request_head: bytes, status: int
) -> None:
    with server.connect() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request_head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)
        assert seconds_until_closed(connection) < 3


@pytest.mark.parametrize("path", ["/", "/long"])
def test_two_thousand_ids_in_an_address_are_answered(server: Running, path: str) -> None:
    ids = ",".join(["a" * 40] * 2_000)
    [answer] = server.ask(get(f"{path}?tickers={ids}", "Cookie: " + "a" * 15_000))
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_body_without_an_end_is_cut_off(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"POST /long HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
                sent += 65536
        assert seconds_until_closed(connection) < REQUEST_S
        assert sent < 200 * 65536


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> bounded.OfTheProcess:
    monkeypatch.setattr(bounded, "MAX_UNANSWERED_BYTES", 100_000)
    monkeypatch.setattr(bounded, "REQUEST_S", 30.0)
    return bounded.OfTheProcess()


@pytest.fixture
def counting(shared: bounded.OfTheProcess) -> Iterator[Running]:
    protocol: Any = partial(bounded.BoundedProtocol, of_the_process=shared)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Running(Application(), listener, protocol)
        yield running
        running.server.should_exit = True
        running.thread.join(10)


@pytest.mark.parametrize(
    "half",
    [b"GET /?" + b"x" * 20_000, get("/")[:-2] + (b"X: " + b"y" * 4_000 + b"\r\n") * 3],
    ids=["address", "headers"],
)
def test_what_all_send_by_halves_is_bounded_and_the_largest_is_given_up(
    half: bytes, shared: bounded.OfTheProcess, counting: Running
) -> None:
    with contextlib.ExitStack() as stack:
        small = stack.enter_context(counting.connect())
        small.sendall(get("/long")[:9])
        halves = [stack.enter_context(counting.connect()) for _ in range(30)]
        for connection in halves:
            with contextlib.suppress(OSError):  # given up meanwhile
                connection.sendall(half)
        wait_until(lambda: sum(map(is_closed, halves)) >= 20, 10, "the end of most")
        assert 0 < shared.unanswered.total <= 100_000
        small.sendall(get("/long")[9:])
        with small.makefile("rb") as stream:
            assert read(stream).startswith(b"HTTP/1.1 200")
    wait_until(lambda: shared.unanswered.total == 0, 10, "nothing kept")


@pytest.mark.parametrize("path", ["/", "/long"])
@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_a_large_request_counts_until_it_is_answered(
    path: str, pieces: int, shared: bounded.OfTheProcess, counting: Running
) -> None:
    request = get(path + "?" + "x" * 20_000)
    size = len(request) // pieces + 1
    with counting.connect() as connection, connection.makefile("rb") as stream:
        for start in range(0, len(request), size):
            connection.sendall(request[start : start + size])
        assert read(stream).startswith(b"HTTP/1.1 200")
        wait_until(lambda: shared.unanswered.total == 0, 10, "nothing kept")
