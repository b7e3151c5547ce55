"""Every question gets its own answer, whatever the exchange sent before: odd streams, then a second question."""

import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kalshi.errors import KalshiError, UnexpectedPayload, UpstreamTimeout
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import Line, answer, chunked, serving
from kalshi.upstream.transport import RequestsTransport

FIRST, SECOND, STRANGE = b'{"answer": "first"}', b'{"answer": "second"}', b'{"answer": "of nobody"}'
LATE_S = 0.3
LATER = None
"""In a stream: what follows comes later."""

Stream = list[bytes | None]


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def interim(status: int = 103) -> bytes:
    return head(f"HTTP/1.1 {status} Wait", "Link: </style.css>")


def whole(*lines: str, body: bytes = FIRST) -> bytes:
    return head("HTTP/1.1 200 OK", *lines) + body


LENGTH = f"Content-Length: {len(FIRST)}"
CHUNKED = "Transfer-Encoding: chunked"
IN_A_CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(FIRST), FIRST)

# What the first question gets: a body, or the error.
READ_PAST: dict[str, Stream] = {
    "early hints, the answer later": [interim(), LATER, answer(FIRST)],
    "100, the answer later": [interim(100), LATER, answer(FIRST)],
    "102, the answer later": [interim(102), LATER, answer(FIRST)],
    "199, the answer later": [interim(199), LATER, answer(FIRST)],
    "early hints and the answer at once": [interim() + answer(FIRST)],
    "several, with time between": [interim(100), LATER, interim(102) + interim(), LATER, answer(FIRST)],
    "sixteen": [interim() * 16 + answer(FIRST)],
}
TAKEN: dict[str, Stream] = {
    "bytes beyond the length": [answer(FIRST) + b"more"],
    "a second answer at once": [answer(FIRST) + answer(STRANGE)],
    "half a second answer at once": [answer(FIRST) + answer(STRANGE)[:30], LATER, answer(STRANGE)[30:]],
    "a second answer later": [answer(FIRST), LATER, answer(STRANGE)],
    "an interim answer later": [answer(FIRST), LATER, interim()],
    "one byte later": [answer(FIRST), LATER, b"H"],
    "an empty line later": [answer(FIRST), LATER, b"\r\n"],
    "bytes after the last chunk": [chunked(FIRST) + answer(STRANGE)],
    "bytes after the last chunk, later": [chunked(FIRST), LATER, answer(STRANGE)],
    "a length and chunks": [whole(LENGTH, CHUNKED, body=IN_A_CHUNK), LATER, answer(STRANGE)],
    "two equal lengths": [whole(LENGTH, LENGTH), LATER, answer(STRANGE)],
    "close, but more comes": [whole(LENGTH, "Connection: close"), LATER, answer(STRANGE)],
    "HTTP/1.0, but more comes": [
        answer(FIRST).replace(b"HTTP/1.1", b"HTTP/1.0"),
        LATER,
        answer(STRANGE),
    ],
    "bare line ends": [answer(FIRST).replace(b"\r\n", b"\n"), LATER, answer(STRANGE)],
    "a folded header": [whole("X-One: 1", " 2", LENGTH), LATER, answer(STRANGE)],
}
WITHOUT_BODY: dict[str, Stream] = {
    "204, an answer later": [head("HTTP/1.1 204 No Content"), LATER, answer(STRANGE)],
    "204 with a body": [head("HTTP/1.1 204 No Content", f"Content-Length: {len(STRANGE)}") + STRANGE],
    "204 with a body later": [
        head("HTTP/1.1 204 No Content", f"Content-Length: {len(STRANGE)}"),
        LATER,
        STRANGE,
    ],
    "304, an answer later": [head("HTTP/1.1 304 Not Modified"), LATER, answer(STRANGE)],
    "304 with a body": [head("HTTP/1.1 304 Not Modified", f"Content-Length: {len(STRANGE)}") + STRANGE],
    "a length of nothing, an answer later": [answer(b""), LATER, answer(STRANGE)],
    "103, 204, an answer later": [interim() + head("HTTP/1.1 204 No Content"), LATER, answer(STRANGE)],
}
REFUSED: dict[str, Stream] = {
    "101": [head("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: upgrade"), answer(FIRST)],
    "seventeen interim answers": [interim() * 17 + answer(FIRST)],
    "an interim answer with a body": [
        head("HTTP/1.1 103 Early Hints", f"Content-Length: {len(STRANGE)}") + STRANGE + answer(FIRST)
    ],
    "an interim answer without an end": [b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 300_000],
    "two lengths": [whole(LENGTH, "Content-Length: 3")],
    "two lengths in one line": [whole(f"{LENGTH}, 3")],
    "a negative length": [whole("Content-Length: -1")],
    "a length with a sign": [whole(LENGTH.replace(": ", ": +"))],
    "a length with an underscore": [whole("Content-Length: 1_9")],
    "gzip as transfer encoding": [whole("Transfer-Encoding: gzip, chunked", body=IN_A_CHUNK)],
    "two transfer encodings": [whole(CHUNKED, CHUNKED, body=IN_A_CHUNK)],
    "a negative chunk": [whole(CHUNKED, body=b"-13\r\n" + FIRST + b"\r\n0\r\n\r\n")],
    "a chunk of hexadecimal with 0x": [whole(CHUNKED, body=b"0x13\r\n" + FIRST + b"\r\n0\r\n\r\n")],
    "a chunk longer than it says": [whole(CHUNKED, body=b"3\r\n" + FIRST + b"\r\n0\r\n\r\n")],
    "an endless chunk extension": [whole(CHUNKED, body=b"13;" + b"x" * 300_000)],
    "endless trailers": [whole(CHUNKED, body=IN_A_CHUNK[:-2] + b"X-Trailer: 1\r\n" * 20_000)],
    "a header of a megabyte": [whole("X-Long: " + "y" * 2**20, LENGTH)],
    "fifty thousand headers": [whole(*["X-Many: 1"] * 50_000, LENGTH)],
    "a header line without a colon": [whole("no colon", LENGTH)],
    "a status of four digits": [answer(FIRST, status="2000 OK")],
    "another protocol": [b"ICY 200 OK\r\n" + answer(FIRST)],
}
ANSWERED = READ_PAST | TAKEN


class Exchange:
    """Answers the first question by a stream, all others properly. `told`: the whole stream was sent, or refused."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self.told = threading.Event()

    def __call__(self, line: Line) -> None:
        while request := line.read_request():
            if request.target.endswith("first"):
                self._tell(line)
            else:
                line.send(answer(SECOND))

    def _tell(self, line: Line) -> None:
        try:
            for part in self._stream:
                if part is LATER:
                    line.closing.wait(LATE_S)
                else:
                    line.send(part)
            line.delivered()
        finally:
            self.told.set()


def first_of(transport: RequestsTransport) -> tuple[int, bytes] | KalshiError:
    try:
        found = get(transport, "/first")
    except KalshiError as error:
        return error
    return found.status, found.body


def first_and_second(stream: Stream) -> tuple[tuple[int, bytes] | KalshiError, bytes]:
    exchange = Exchange(stream)
    with serving(exchange) as server:
        transport = RequestsTransport(server.url)
        first = first_of(transport)
        assert exchange.told.wait(20)
        second = get(transport, "/second").body
        transport.close()
    return first, second


AT_ONCE = READ_PAST | WITHOUT_BODY


@pytest.mark.parametrize("stream", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_so_does_one_that_is_asked_before_the_late_bytes_come(stream: Stream) -> None:
    with serving(Exchange(stream)) as server:
        transport = RequestsTransport(server.url)
        first_of(transport)
        assert get(transport, "/second").body == SECOND
        transport.close()


@pytest.mark.parametrize("stream", ANSWERED.values(), ids=ANSWERED.keys())
def test_the_final_answer_is_the_answer_and_the_next_question_gets_its_own(stream: Stream) -> None:
    assert first_and_second(stream) == ((200, FIRST), SECOND)


@pytest.mark.parametrize("stream", WITHOUT_BODY.values(), ids=WITHOUT_BODY.keys())
def test_after_an_answer_without_a_body_the_next_question_gets_its_own(stream: Stream) -> None:
    first, second = first_and_second(stream)
    assert not isinstance(first, KalshiError) and first[1] == b""
    assert second == SECOND


@pytest.mark.parametrize("stream", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_proper_http_is_a_bad_payload_and_the_next_question_gets_its_own(stream: Stream) -> None:
    first, second = first_and_second(stream)
    assert type(first) is UnexpectedPayload
    assert first.message.isprintable() and len(first.message) < 200
    assert second == SECOND


PROPER: dict[str, Stream] = {
    "a length": [answer(FIRST)],
    "chunks": [chunked(FIRST[:5], FIRST[5:])],
    "chunks with extensions and trailers": [
        whole(CHUNKED, body=b'13;a=b;c="d"\r\n' + FIRST + b"\r\n0\r\nX-Sum: 1\r\n\r\n")
    ],
    "an error": [answer(FIRST, status="404 Not Found")],
    "early hints before it": [interim() + answer(FIRST)],
}


@pytest.mark.parametrize("stream", PROPER.values(), ids=PROPER.keys())
def test_a_proper_answer_keeps_its_connection(stream: Stream) -> None:
    exchange = Exchange(stream)
    with serving(exchange) as server:
        transport = RequestsTransport(server.url)
        assert get(transport, "/first").body == FIRST
        assert get(transport, "/second").body == SECOND
        transport.close()
        assert server.connections == 1


def test_a_connection_with_late_bytes_over_tls_is_not_used_again(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    exchange = Exchange([answer(FIRST), LATER, answer(STRANGE)])
    with serving(exchange, context) as server:
        transport = RequestsTransport(server.url)
        assert get(transport, "/first").body == FIRST
        assert exchange.told.wait(20)
        assert get(transport, "/second").body == SECOND
        transport.close()


ENDLESS: dict[str, Callable[[], bytes]] = {
    "interim answers": interim,
    "empty lines": lambda: b"\r\n",
    "headers": lambda: b"X-More: 1\r\n",
}


@pytest.mark.parametrize("piece", ENDLESS.values(), ids=ENDLESS.keys())
def test_what_never_ends_is_given_up(piece: Callable[[], bytes]) -> None:
    def script(line: Line) -> None:
        if line.read_request():
            line.send(interim()[:-2] if piece() != interim() else b"")
            while not line.closing.is_set():
                line.send(piece() * 1000)

    with serving(script) as server, pytest.raises(UnexpectedPayload):
        get(server.url, deadline_s=20)


def test_slow_interim_answers_stand_under_the_one_deadline() -> None:
    def script(line: Line) -> None:
        if line.read_request():
            line.drip(interim() * 1000, 0.01)

    with serving(script) as server, pytest.raises(UpstreamTimeout):
        get(server.url, deadline_s=0.4)
