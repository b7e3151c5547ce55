"""A host name with several addresses, some of which swallow whatever is sent to them."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from kalshi.errors import UpstreamTimeout, UpstreamUnavailable
from kalshi.tests.servers import free_port
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import BODY, Line, answer, serving
from kalshi.upstream.connections import Until
from kalshi.upstream.transport import RequestsTransport

Place = tuple[str, int]
TRIED_AT_ONCE = 3
"""Connections that fill a queue of none, so that the system drops the next one's first packet."""


@contextmanager
def silent_place() -> Iterator[Place]:
    """An address that answers no attempt to connect."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(TRIED_AT_ONCE):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()


def resolved(monkeypatch: pytest.MonkeyPatch, places: list[Place]) -> None:
    """From now on `localhost` stands at these places; numeric addresses remain what they are."""
    true_lookup = socket.getaddrinfo

    def lookup(host: str, *args: object, **kwargs: object) -> object:
        if host != "localhost":
            return true_lookup(host, *args, **kwargs)  # type: ignore[arg-type]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


def place_of(url: str) -> Place:
    host, _, port = url.split("/")[2].partition(":")
    return host, int(port)


def asked(*, connect_s: float, deadline_s: float = 5.0) -> bytes | None:
    transport = RequestsTransport("http://localhost:1/trade-api/v2", connect_s=connect_s)
    with closing(transport):
        return get(transport, deadline_s=deadline_s).body


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
@pytest.mark.parametrize(("connect_s", "deadline_s"), [(0.4, 5.0), (5.0, 0.4)])
def test_sixteen_silent_addresses_take_no_longer_than_one(
    monkeypatch: pytest.MonkeyPatch, connect_s: float, deadline_s: float
) -> None:
    with silent_place() as place:
        resolved(monkeypatch, [place] * 16)
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            asked(connect_s=connect_s, deadline_s=deadline_s)
        assert 0.3 < time.monotonic() - began < 2


def test_a_good_address_behind_dead_and_silent_ones_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_place() as silent, serving(answer(BODY)) as server:
        resolved(monkeypatch, [silent, ("127.0.0.1", free_port()), place_of(server.url)])
        assert asked(connect_s=2.0) == BODY


def test_addresses_that_all_refuse_are_no_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch, [("127.0.0.1", free_port())] * 2)
    with pytest.raises(UpstreamUnavailable, match="cannot be reached") as caught:
        asked(connect_s=2.0)
    assert not isinstance(caught.value, UpstreamTimeout)


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_a_handshake_gets_only_what_connecting_left(
    monkeypatch: pytest.MonkeyPatch, tls: tuple[ssl.SSLContext, Path]
) -> None:
    with silent_place() as silent, serving(Line.hang) as server:
        resolved(monkeypatch, [silent, place_of(server.url)])
        transport = RequestsTransport("https://localhost:1/trade-api/v2", connect_s=1.2)
        began = time.monotonic()
        with closing(transport), pytest.raises(UpstreamUnavailable):
            get(transport, deadline_s=10)
        assert time.monotonic() - began < 1.7


def test_what_the_way_through_a_proxy_took_is_not_given_again() -> None:
    until = Until(time.monotonic() + 1000, connect_s=3.0)
    until.deadline -= 900  # as if so long had passed
    assert until.clone().total == pytest.approx(100, abs=20)
