"""A failure is let go with all that was read for it, at once: no full collection is waited for."""

from __future__ import annotations

import gc
import gzip
import logging
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from kalshi.cache.policy import Policy
from kalshi.cache.readthrough import ReadThrough
from kalshi.cache.store import open_store
from kalshi.cache.waiting import WaitingRoom
from kalshi.errors import KalshiError, UnexpectedPayload, UpstreamTimeout
from kalshi.server.threads import DaemonThreads
from kalshi.services.costly import Costly
from kalshi.tests.cache.stores import local_cache
from kalshi.tests.upstream.raw_server import Line, after_request, answer, serving
from kalshi.upstream import params
from kalshi.upstream.client import Client
from kalshi.upstream.clock import ExchangeClock
from kalshi.upstream.dialing import dial
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.transport import FunctionTransport, RequestsTransport, Transport

LARGE = 4 * 2**20
"""Bytes that each failure has read."""
EVENTS = params.validate(ENDPOINTS["get_events"], [], {}, api=True)


@pytest.fixture
def kept(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[Callable[[], object]], int]]:
    """How many bytes stay after some failures, without a collection."""

    def measure(fail: Callable[[], object]) -> int:
        with suppress(KalshiError, ArithmeticError, OSError):
            fail()  # what is made once, such as threads and modules
        caplog.set_level(logging.CRITICAL + 1, "kalshi")  # pytest keeps what is logged, with its traceback
        gc.collect()
        gc.disable()
        tracemalloc.start()
        for _ in range(4):
            with suppress(KalshiError, ArithmeticError, OSError):
                fail()
        return tracemalloc.get_traced_memory()[0]

    yield measure
    tracemalloc.stop()
    gc.enable()


class OpenGate:
    def admit(self, *_: object, **__: object) -> None:
        pass

    def report(self, *_: object, **__: object) -> None:
        pass


def read_and_fail(kind: type[Exception]) -> Any:
    body = bytearray(LARGE)
    assert body
    raise kind("x")


def fetched(transport: Transport) -> None:
    """Through a client of its own, which forgets how it went."""
    Client(transport, None, OpenGate(), ExchangeClock(), sleep=lambda _: None).fetch(EVENTS, request_id="r")


def test_a_body_that_is_too_large(kept: Callable[..., int]) -> None:
    bomb = answer(gzip.compress(b" " * 2 * LARGE), headers="Content-Encoding: gzip\r\n")
    with serving(bomb) as server:
        transport = RequestsTransport(server.url, environ={}, max_body_bytes=LARGE)
        assert kept(lambda: fetched(transport)) < LARGE / 2


def test_a_body_that_cannot_be_read(kept: Callable[..., int]) -> None:
    with serving(answer(b" " * LARGE)) as server:
        transport = RequestsTransport(server.url, environ={})
        assert kept(lambda: fetched(transport)) < LARGE / 2


def test_a_good_answer_after_a_failed_attempt(kept: Callable[..., int]) -> None:
    good = answer(b'{"events": [], "x": "' + b"x" * LARGE + b'"}', headers="Connection: close\r\n")

    def every_other(line: Line) -> None:
        if line.number % 2 == 0:
            line.reset()
        else:
            line.send(good)

    with serving(after_request(every_other)) as server:
        transport = RequestsTransport(server.url, environ={})
        assert kept(lambda: fetched(transport)) < LARGE / 2


def test_a_request_function_that_fails(kept: Callable[..., int]) -> None:
    transport = FunctionTransport(lambda *_: b" " * LARGE + read_and_fail(ValueError))
    assert kept(lambda: fetched(transport)) < LARGE / 2


def test_what_a_request_function_returns_when_it_is_too_large(
    kept: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kalshi.upstream.transport.MAX_BODY_BYTES", LARGE - 1)
    transport = FunctionTransport(lambda *_: bytes(LARGE))
    assert kept(lambda: fetched(transport)) < LARGE / 2


@pytest.mark.parametrize("kind", [UnexpectedPayload, ZeroDivisionError])
def test_a_fetch_of_the_cache(kept: Callable[..., int], kind: type[Exception]) -> None:
    through = ReadThrough(open_store(local_cache()))

    def load() -> Any:
        return read_and_fail(kind)

    def read() -> None:
        through.read("kalshi:1:a:b:c:d:e", Policy(10, 10, 1), load, pool="get_events", wait_s=10)

    try:
        assert kept(read) < LARGE / 2
    finally:
        through.close()


@pytest.mark.parametrize("kind", [UpstreamTimeout, ZeroDivisionError])
def test_costly_work(kept: Callable[..., int], kind: type[Exception]) -> None:
    costly = Costly(room=lambda caller: WaitingRoom(5).seat("costly", caller))
    assert kept(lambda: costly.once("a", "me", lambda: read_and_fail(kind))) < LARGE / 2


def test_a_request_in_a_thread_of_the_server(kept: Callable[..., int]) -> None:
    pool = DaemonThreads(1, at_end=lambda: None)
    assert kept(lambda: pool.submit(read_and_fail, ZeroDivisionError).result(10)) < LARGE / 2


def test_a_connection_that_is_refused(kept: Callable[..., int]) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        def dialled() -> None:
            body = bytearray(LARGE)
            assert body
            dial("127.0.0.1", bound.getsockname()[1], 5, ())

        assert kept(dialled) < LARGE / 2
