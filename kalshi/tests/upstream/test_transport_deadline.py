import gzip
import ssl
import threading
import time
from pathlib import Path

import pytest

from kalshi.errors import (
    UpstreamTimeout,
    UpstreamUnavailable,
)
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import (
    BODY,
    Line,
    RawServer,
    Script,
    after_request,
    answer,
    serving,
)
from kalshi.upstream.transport import RequestsTransport

Deadly = dict[str, Script]


def flood_of_small_chunks(line: Line) -> None:
    """Faster than they can be read, so that nobody ever waits for bytes."""
    line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not line.closing.is_set():
        line.send(b"1\r\nx\r\n" * 20_000)


NEVER_DONE: Deadly = {
    "small chunks come too fast": after_request(flood_of_small_chunks),
    "it hangs": after_request(Line.hang),
    "headers drip": after_request(lambda line: line.drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: 1\r\n" * 1000)),
    "one header line drips": after_request(lambda line: line.drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9999)),
    "the body drips": after_request(
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), line.drip(b" " * 9999))[
            1
        ]
    ),
    "chunks drip": after_request(
        lambda line: (
            line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            line.drip(b"1\r\nx\r\n" * 999),
        )[1]
    ),
    "a body without an end drips": after_request(
        lambda line: (line.send(b"HTTP/1.1 200 OK\r\n\r\n"), line.drip(b" " * 9999))[1]
    ),
    "gzip drips": after_request(
        lambda line: (
            line.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n"),
            line.drip(gzip.compress(bytes(range(256)) * 40, 0)),
        )[1]
    ),
    "the body hangs half way": after_request(lambda line: (line.send(answer(BODY)[:-3]), line.hang())[1]),
}


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
@pytest.mark.parametrize("script", NEVER_DONE.values(), ids=NEVER_DONE.keys())
def test_one_deadline_holds_whatever_drips(script: Script) -> None:
    with serving(script) as server:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            get(server.url, deadline_s=0.4)
        assert 0.3 < time.monotonic() - began < 1.5


def test_a_slow_answer_within_the_deadline_is_an_answer() -> None:
    with serving(after_request(lambda line: line.drip(answer(b"{}"), 0.005))) as server:
        assert get(server.url, deadline_s=5).body == b"{}"


def test_the_deadline_is_over_before_it_starts() -> None:
    with serving(answer(BODY)) as server:
        with pytest.raises(UpstreamTimeout):
            get(server.url, deadline_s=0.0)
        assert server.connections == 0


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_the_deadline_holds_over_tls_too(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serving(answer(BODY), context) as server:
        transport = RequestsTransport(server.url)
        assert [get(transport).body for _ in range(3)] == [BODY] * 3
        transport.close()
        assert server.connections == 1
    with serving(NEVER_DONE["the body drips"], context) as server:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            get(server.url, deadline_s=0.4)
        assert time.monotonic() - began < 1.5


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_a_tls_handshake_that_hangs_is_given_up() -> None:
    with RawServer(Line.hang) as server:
        transport = RequestsTransport(server.url.replace("http:", "https:"), connect_s=0.3)
        began = time.monotonic()
        with pytest.raises(UpstreamUnavailable):
            get(transport)
        assert time.monotonic() - began < 1.5
        transport.close()


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_a_hundred_hanging_callers_are_all_released_in_time() -> None:
    with serving(after_request(Line.hang)) as server:
        transport = RequestsTransport(server.url)
        errors: list[BaseException] = []

        def ask() -> None:
            try:
                get(transport, deadline_s=0.5)
            except UpstreamTimeout as error:
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(100)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        transport.close()
        assert len(errors) == 100
        assert time.monotonic() - began < 5
