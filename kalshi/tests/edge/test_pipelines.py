"""What waits behind a request on its connection is little, and counts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from kalshi.server import bounded
from kalshi.tests.edge.test_connections import is_closed
from kalshi.tests.edge.test_protocol import Application, Running, get, read
from kalshi.tests.servers import wait_until

BODY_BYTES = 60_000
BODY = b"POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % BODY_BYTES + b"x" * BODY_BYTES
MOST_BYTES = 200_000


class Stepping(Application):
    """Answers /step only when a step is given to it."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[None] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await receive()
            while scope["path"] == "/step" and not self.steps:  # noqa: ASYNC110 - given by another thread
                await asyncio.sleep(0.005)
            if scope["path"] == "/step":
                self.steps.pop()
        await super().__call__(scope, receive, send)

    def answer(self, read: Any, changing: Any) -> None:
        return None


@pytest.fixture
def application() -> Stepping:
    return Stepping()


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> bounded.OfTheProcess:
    monkeypatch.setattr(bounded, "MAX_UNANSWERED_BYTES", MOST_BYTES)
    return bounded.OfTheProcess()


@pytest.fixture
def server(application: Stepping, shared: bounded.OfTheProcess) -> Iterator[Running]:
    protocol: Any = partial(bounded.BoundedProtocol, of_the_process=shared)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Running(application, listener, protocol)
        yield running
        application.steps += [None] * 1_000
        running.server.should_exit = True
        running.thread.join(10)


def bytes_in_line(server: Running) -> int:
    connections: Any = list(server.server.server_state.connections)
    return sum(len(cycle.body) for connection in connections for cycle, _ in list(connection.pipeline))


def test_nothing_more_is_read_while_requests_wait_in_line(server: Running, application: Stepping) -> None:
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(get("/step") * 6)
        for _ in range(5):
            connection.sendall(BODY)
            application.steps.append(None)
            assert read(stream).startswith(b"HTTP/1.1 200")
            assert bytes_in_line(server) <= BODY_BYTES
        application.steps.append(None)
        for _ in range(6):
            assert read(stream).startswith(b"HTTP/1.1 200")


def test_what_waits_behind_an_unanswered_request_counts_after_the_answer_before_it(
    server: Running, application: Stepping, shared: bounded.OfTheProcess
) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(10)]
        for connection in connections:
            with contextlib.suppress(OSError):  # given up meanwhile
                connection.sendall(get("/long") + get("/step") + BODY)
        wait_until(lambda: sum(map(is_closed, connections)) >= 7, 10, "the end of most")
        assert 0 < shared.unanswered.total <= MOST_BYTES
    application.steps += [None] * 10
    wait_until(lambda: shared.unanswered.total == 0, 10, "nothing kept")


def test_many_small_headers_count_as_what_they_take_in_memory(server: Running) -> None:
    fields = (b"a:b\r\n") * 2_500
    with server.connect() as connection:
        connection.sendall(get("/step") + b"GET /long HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
        wait_until(lambda: is_closed(connection), 10, "the end")


def test_a_request_is_not_given_up_for_the_time_of_those_before_it(
    server: Running, application: Stepping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "REQUEST_S", 0.2)
    with server.connect() as connection:
        connection.sendall(get("/step") + BODY[:20_000])
        connection.settimeout(0.8)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(5)
        connection.sendall(BODY[20_000:])
        application.steps.append(None)
        with connection.makefile("rb") as stream:
            for _ in range(2):
                assert read(stream).startswith(b"HTTP/1.1 200")
