"""Streams of bytes that play games with where a request ends, and how a strict reader understands them."""

from __future__ import annotations

import re
from random import Random

import h11

_PATHS = [
    b"/a",
    b"/b?c=d",
    b"/long/a",
    b"/long/b",
    b"/long/slow",
    b"http://x/abs",
    b"*",
    b"/%61",
    b"//a",
    b"",
]
_METHODS = [b"GET", b"GET", b"HEAD", b"POST", b"POST", b"OPTIONS", b"CONNECT", b"get"]
_VERSIONS = [b"HTTP/1.1"] * 7 + [b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 "]
_LINES = [
    b"Host: x", b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade", b"Upgrade: x",
    b"Upgrade: websocket", b"Upgrade: h2c", b"Expect: 100-continue", b"Content-Length: 0", b"Content-Length: 4",
    b"Content-Length: 04", b"Content-Length: +4", b"Content-Length: 4, 4", b"Content-Length: 4 ",
    b"Content-Length:\t4", b"Content-Length: -1", b"Content-Length: 99999999999999999999",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip", b"Transfer-Encoding : chunked",
    b"Transfer_Encoding: chunked", b"Transfer-Encoding:\x0bchunked", b" folded", b"X: y\rz", b"X: y\nZ: w", b"X",
    b": y", b"X: \xff", b"X: \x00", b"Kalshi-Account: z", b"TE: trailers",
]  # fmt: skip
_HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
_BODIES = [
    b"", b"", b"", b"body", b"bodyx", b"4\r\nbody\r\n0\r\n\r\n", b"4\r\nbody\r\n0\r\nX: y\r\n\r\n", b"0\r\n\r\n",
    b"\r\n", b"4;a=b\r\nbody\r\n0\r\n\r\n", b"04\r\nbody\r\n0\r\n\r\n", b"0x4\r\nbody\r\n0\r\n\r\n",
    b"4\nbody\n0\n\n", b"-1\r\n\r\n", b"fffffffffffffffff\r\nbody", _HIDDEN, b"4\r\nbody" + _HIDDEN,
]  # fmt: skip
# Often enough to be met together.
_FRAMED = [
    ([b"Content-Length: 4"], b"body"),
    ([b"Transfer-Encoding: chunked"], b"4\r\nbody\r\n0\r\n\r\n"),
    ([b"Upgrade: x", b"Connection: Upgrade", b"Content-Length: %d" % len(_HIDDEN)], _HIDDEN),
    ([b"Content-Length: 4", b"Transfer-Encoding: chunked"], b"0\r\n\r\n" + _HIDDEN),
]


def request(random: Random) -> bytes:
    """One that may be good, or not."""
    line = b" ".join((random.choice(_METHODS), random.choice(_PATHS), random.choice(_VERSIONS)))
    lines = random.sample(_LINES, random.choice((0, 0, 1, 1, 2, 3)))
    body = random.choice(_BODIES)
    if random.random() < 0.4:
        framing, body = random.choice(_FRAMED)
        lines += framing
    if random.random() < 0.9:
        lines.insert(0, b"Host: x")
    end = b"\n" if random.random() < 0.03 else b"\r\n"
    return end.join([line, *lines, b"", b""]) + body


def stream(random: Random) -> list[bytes]:
    """Up to four requests, in pieces that may end anywhere."""
    whole = b"".join(request(random) for _ in range(random.randint(1, 4)))
    at = sorted(random.sample(range(1, len(whole)), random.randint(0, 6)))
    return [whole[begin:end] for begin, end in zip([0, *at], [*at, len(whole)], strict=True)]


def understood(stream: bytes) -> list[tuple[bytes, bytes]]:
    """How a strict reader reads it: (method, path) of the requests it takes; the last one's body may be cut."""
    found: list[tuple[bytes, bytes]] = []
    rest: bytes | None = stream
    while rest:
        # Line breaks before a request are allowed (RFC 9112, 2.2); h11 does not take them.
        rest = rest.lstrip(b"\r\n")
        rest = _after_one(rest, found) if rest else None
    return [(method, re.sub(rb"^http://[^/]*", b"", target).partition(b"?")[0]) for method, target in found]


def _after_one(stream: bytes, found: list[tuple[bytes, bytes]]) -> bytes | None:
    """Read one request. What stands behind it; None: nothing is read there any more."""
    reader = h11.Connection(h11.SERVER, max_incomplete_event_size=1_000_000)
    reader.receive_data(stream)
    try:
        while not isinstance(event := reader.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Request):
                found.append((event.method, event.target))
            elif event in (h11.NEED_DATA, h11.PAUSED):
                return None
        reader.send(h11.Response(status_code=400, headers=[("content-length", "0")]))
        reader.send(h11.EndOfMessage())
    except h11.RemoteProtocolError:
        return None
    return reader.trailing_data[0] if reader.our_state is h11.DONE else None


def answers(text: bytes, methods: list[bytes]) -> list[tuple[int, bytes]]:
    """(status, body) of each answer; the text must be answers and nothing else. methods: of the requests, in order."""
    found: list[tuple[int, bytes]] = []
    while text:
        head, end, text = text.partition(b"\r\n\r\n")
        assert end, head
        status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert status, head
        if status[1] == b"100":
            continue
        assert length, head
        method = methods[len(found)] if len(found) < len(methods) else b"GET"
        # A refused HEAD has none, and whose refusal it is cannot be told from here.
        bare = method == b"HEAD" if status[1] == b"200" else not text
        size = 0 if bare else int(length[1])
        assert len(text) >= size
        found.append((int(status[1]), text[:size]))
        text = text[size:]
    return found


def compare(sent: list[bytes], text: bytes) -> None:
    """The answers to a stream must be those to the requests that a strict reader takes, in order, as far as they come.
    An answer of 200 has the request's path as its body.
    """
    stream = b"".join(sent)
    expected = understood(stream)
    got = answers(text, [method for method, _ in expected])
    good = [body for status, body in got if status == 200]
    paths = [b"" if method == b"HEAD" else path for method, path in expected]
    assert good == paths[: len(good)], (stream, text)
    # One refusal at most, and it is the end.
    assert [status for status, _ in got[:-1] if status != 200] == [], (stream, text)
