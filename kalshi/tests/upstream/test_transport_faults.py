import gzip
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi.errors import (
    UnexpectedPayload,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from kalshi.tests.servers import wait_until
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import (
    BODY,
    Line,
    Script,
    after_request,
    answer,
    chunked,
    serving,
)
from kalshi.upstream.transport import LARGE_BYTES, MAX_LARGE, RequestsTransport

FAULTS: dict[str, tuple[Script, type[UpstreamError]]] = {
    "closed without a byte": (after_request(lambda line: None), UpstreamUnavailable),
    "closed at once": (lambda line: None, UpstreamUnavailable),
    "reset": (after_request(Line.reset), UpstreamUnavailable),
    "reset in the body": (
        after_request(lambda line: (line.send(answer(BODY)[:-3]), line.reset())[1]),
        UpstreamError,
    ),
    "no HTTP at all": (after_request(lambda line: line.send(b"SSH-2.0-OpenSSH_9\r\n")), UpstreamUnavailable),
    "endless header line": (
        after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000)),
        UnexpectedPayload,
    ),
    "half the body": (after_request(lambda line: line.send(answer(BODY)[:-3])), UnexpectedPayload),
    "half a chunk": (after_request(lambda line: line.send(chunked(BODY)[:-20])), UnexpectedPayload),
    "no last chunk": (after_request(lambda line: line.send(chunked(BODY, end=b""))), UnexpectedPayload),
    "a chunk of no length": (
        after_request(lambda line: line.send(chunked(BODY, end=b"zz\r\n"))),
        UnexpectedPayload,
    ),
    "gzip that is none": (
        after_request(lambda line: line.send(answer(BODY, headers="Content-Encoding: gzip\r\n"))),
        UnexpectedPayload,
    ),
    "a huge declared length": (
        after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}")),
        UnexpectedPayload,
    ),
    "a body over the cap": (
        after_request(lambda line: line.send(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (2**20 + 1))),
        UnexpectedPayload,
    ),
    "chunks over the cap": (
        after_request(lambda line: line.send(chunked(*[b" " * 2**16] * 17))),
        UnexpectedPayload,
    ),
    "a gzip bomb": (
        after_request(
            lambda line: line.send(answer(gzip.compress(b" " * 2**26), headers="Content-Encoding: gzip\r\n"))
        ),
        UnexpectedPayload,
    ),
}


@pytest.mark.parametrize(("script", "kind"), FAULTS.values(), ids=FAULTS.keys())
def test_every_fault_is_an_error_of_the_tree(script: Script, kind: type[UpstreamError]) -> None:
    with serving(script) as server, pytest.raises(kind) as error:
        get(server.url)
    assert not isinstance(error.value, UpstreamTimeout)
    assert error.value.message.endswith(".") and "127.0.0.1" not in error.value.message


def test_a_body_of_exactly_the_cap_is_whole() -> None:
    with serving(answer(gzip.compress(b" " * 2**20), headers="Content-Encoding: gzip\r\n")) as server:
        assert len(get(server.url).body) == 2**20


def test_nobody_listening_is_unavailable() -> None:
    with serving(answer(BODY)) as server:
        url = server.url
    with pytest.raises(UpstreamUnavailable, match="no connection"):
        get(url)


def test_an_unknown_host_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(UpstreamUnavailable, match="host name"):
        get("https://kalshi.invalid/trade-api/v2")


def test_only_some_large_bodies_come_in_at_once_and_small_ones_always_do() -> None:
    def script(line: Line) -> None:
        while request := line.read_request():
            if request.target.endswith("small"):
                line.send(answer(BODY))
                continue
            line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b" " * (LARGE_BYTES + 2**18))
            line.hang()

    def asked(deadline_s: float) -> str:
        with pytest.raises(UpstreamError) as refusal:
            get(transport, "/large", deadline_s=deadline_s)
        return refusal.value.message

    with ThreadPoolExecutor(MAX_LARGE) as pool, serving(script) as server:
        transport = RequestsTransport(server.url)
        slow = [pool.submit(asked, 20.0) for _ in range(MAX_LARGE)]
        wait_until(lambda: asked(0.5).startswith("Too many large answers"), what="the refusal")
        assert not any(one.done() for one in slow)
        assert get(transport, "/small").body == BODY
    transport.close()
