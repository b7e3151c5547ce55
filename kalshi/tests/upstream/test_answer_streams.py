"""Whatever bytes come for a question, no other question gets them: thousands of streams beside a strict reading."""

import contextlib
import threading
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kalshi.errors import KalshiError
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import Line, RawServer, answer, serving
from kalshi.tests.upstream.strict_answers import Verdict, strict
from kalshi.upstream.transport import RawResponse, RequestsTransport

OWN = b'{"answer": "own"}'


class Exchange:
    """Answers /stream by `now` and after that by `late`, everything else properly."""

    def __init__(self) -> None:
        self.now = self.late = b""
        self.told = threading.Event()

    def __call__(self, line: Line) -> None:
        while request := line.read_request():
            if not request.target.endswith("/stream"):
                line.send(answer(OWN))
                continue
            with contextlib.ExitStack() as done:
                done.callback(self.told.set)
                line.send(self.now)
                if self.late:
                    line.closing.wait(0.005)
                    line.send(self.late)
                line.delivered()


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[Exchange, RawServer, RequestsTransport]]:
    exchange = Exchange()
    with serving(exchange) as server:
        transport = RequestsTransport(server.url)
        yield exchange, server, transport
        transport.close()


bodies = st.sampled_from([b"", b"{}", b'{"answer": "of a stream"}', b"\r\n\r\n", answer(b'{"hidden": 1}')])
interim = st.sampled_from([100, 101, 102, 103, 199]).map(
    lambda code: b"HTTP/1.1 %d Wait\r\nX: 1\r\n\r\n" % code
)


@st.composite
def finals(draw: st.DrawFn) -> bytes:
    """An answer, framed well or badly."""
    body = draw(bodies)
    length = draw(st.sampled_from([len(body), len(body), len(body), 0, max(0, len(body) - 2), len(body) + 2]))
    framings = {
        "length": [b"Content-Length: %d" % length],
        "chunked": [b"Transfer-Encoding: chunked"],
        "both": [b"Content-Length: %d" % length, b"Transfer-Encoding: chunked"],
        "twice": [b"Content-Length: %d" % length] * 2,
        "two": [b"Content-Length: %d" % length, b"Content-Length: %d" % len(body)],
        "close": [b"Content-Length: %d" % length, b"Connection: close"],
    }
    kind = draw(st.sampled_from([*framings, "length", "chunked"]))
    if kind in ("chunked", "both"):
        cut = draw(st.integers(0, len(body)))
        parts = [part for part in (body[:cut], body[cut:]) if part]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    status = draw(st.sampled_from([200, 200, 200, 204, 304, 404, 500]))
    return b"\r\n".join([b"HTTP/1.1 %d Words" % status, *framings[kind], b"", b""]) + body


tails = st.one_of(st.just(b""), st.just(b""), st.binary(max_size=6), interim, finals())


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Interim answers, an answer, what comes behind it; then perhaps one byte is not what it was."""
    data = b"".join([*draw(st.lists(interim, max_size=3)), draw(finals()), draw(tails)])
    if draw(st.booleans()):
        return data
    place, what = (
        draw(st.integers(0, len(data) - 1)),
        draw(st.sampled_from([b"", *map(bytes, zip(b"\r\n :;-+0aZ"))])),
    )
    return data[:place] + what + data[place + 1 :]


def ask(transport: RequestsTransport, verdict: Verdict | None) -> RawResponse | None:
    # What is no answer may have the client wait for more.
    deadline_s = 0.1 if verdict is None else 10.0
    with contextlib.suppress(KalshiError):
        return get(transport, "/stream", deadline_s=deadline_s)
    return None


@settings(max_examples=400, deadline=None)
@example(now=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\n", late=b"")
@given(now=streams(), late=tails)
def test_no_question_gets_what_came_for_another(
    asked: tuple[Exchange, RawServer, RequestsTransport], now: bytes, late: bytes
) -> None:
    exchange, server, transport = asked
    exchange.now, exchange.late = now, late
    exchange.told.clear()
    verdict = strict(now)
    before = get(transport, "/before").body, server.connections

    found = ask(transport, verdict)
    assert exchange.told.wait(10)

    assert before[0] == OWN == get(transport, "/after").body
    if verdict is not None:
        assert found is not None and (found.status, found.body) == (verdict.status, verdict.body)
    # What comes late may be the rest of an answer, or stand behind it.
    everything = strict(now + late)
    if found is None or everything is None or not everything.clean:
        assert server.connections == before[1] + 1, "asked again on a connection that is not to be trusted"
    else:
        assert server.connections == before[1]
