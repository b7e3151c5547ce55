import gzip
import socket

import pytest

from kalshi.errors import (
    UnexpectedPayload,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
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
