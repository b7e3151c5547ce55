"""One answer to one question, read off a connection with h11, which is strict where http.client is lenient.

http.client takes any 1xx but 100 for the answer, a chunk of negative length, two lengths, and lines without an end.
Here interim answers are read past, heads are bounded, and whether the connection may be asked again is known only
when the answer is whole and nothing stands behind it.
"""

import io
import re
import ssl
import time
from http.client import HTTPException, HTTPMessage, HTTPResponse, IncompleteRead, RemoteDisconnected
from socket import socket
from typing import Any

import h11

MAX_HEAD_BYTES = 64 * 1024
"""Of one head, chunk line or trailer."""
MAX_INTERIM = 16
"""Interim answers before the answer."""
_RECEIVE_BYTES = 64 * 1024
_LEFT_OUT = frozenset({b"transfer-encoding", b"set-cookie", b"set-cookie2"})
"""Undone here; and we keep no cookies, so nothing is to parse what an exchange puts there."""
_LENGTHS = re.compile(rb"\n(content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
_ODD_LINES = re.compile(rb"(?<!\r)\n|\r(?!\n)|\n[ \t]|^HTTP/1\.[^1]", re.MULTILINE)


class OddAnswerError(HTTPException):
    """What came is no proper HTTP answer."""


class _DeadlineReader(io.RawIOBase):
    """A socket's byte stream whose every read waits only until the deadline."""

    def __init__(self, stream: io.RawIOBase, sock: socket, allowance_s: float | None) -> None:
        super().__init__()
        self._stream = stream
        self._sock = sock
        self._deadline = None if allowance_s is None else time.monotonic() + allowance_s

    def readable(self) -> bool:
        return True

    def left_s(self) -> float | None:
        """Seconds until the deadline; None when there is none. TimeoutError when it is over."""
        if self._deadline is None:
            return None
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the deadline of this answer is over")
        return left_s

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self.left_s())
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class Answer(HTTPResponse):
    """An answer that must be whole within the socket's time-out at the moment reading starts.

    Raises OddAnswerError for what is no HTTP, RemoteDisconnected when not a byte came, IncompleteRead when the end is
    missing. `may_follow`: whether another question may be sent on this connection; false until the answer is whole.
    """

    may_follow = False

    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._reader = _DeadlineReader(self.fp.detach(), sock, sock.gettimeout())
        self.fp = io.BufferedReader(self._reader)
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        # Only for its state: whatever was asked was a GET.
        self._parser.send(h11.Request(method="GET", target="/", headers=[("Host", "exchange")]))
        self._parser.send(h11.EndOfMessage())
        self._heads = b""
        self._is_proper = True
        self._is_chunked = False
        self._received = 0
        self._tail = b""

    def begin(self) -> None:
        """Read up to the headers of the final answer. 101 was not asked for, so it is odd."""
        for _ in range(MAX_INTERIM + 1):
            event = self._event(heads=True)
            if isinstance(event, h11.Response):
                return self._take(event)
        raise OddAnswerError("only interim answers")

    def read(self, amt: int | None = None) -> bytes:
        """The next part of the body, of whatever length; empty at its end. `amt` is not kept to."""
        if self.fp is None:
            return b""
        self._reader.left_s()  # many small chunks take long without any waiting
        event = self._event()
        if isinstance(event, h11.Data):
            self._received += len(event.data)
            return bytes(event.data)
        # Nothing late can be told from an answer to the next question where an answer without a body was due. And h11
        # takes chunks for ended by a bare line feed, too.
        self.may_follow = (
            self._is_proper
            and self._received > 0
            and self._parser.their_state is h11.DONE
            and self._parser.trailing_data == (b"", False)
            and (not self._is_chunked or self._tail == b"\r\n\r\n")
        )
        self.close()
        return b""

    def _take(self, head: h11.Response) -> None:
        kept, _ = self._parser.trailing_data
        heads = self._heads[: len(self._heads) - len(kept)]
        self._is_proper = not _ODD_LINES.search(heads) and len(_LENGTHS.findall(heads)) <= 1
        self._heads = b""
        self._is_chunked = any(name == b"transfer-encoding" for name, _ in head.headers)
        self.headers = self.msg = HTTPMessage()
        for name, value in head.headers:
            if name not in _LEFT_OUT:
                self.headers[name.decode("ascii")] = value.decode("latin-1")
        self.status = self.code = head.status_code
        self.reason, self.version = head.reason.decode("latin-1"), 11
        self.will_close = False  # told by may_follow, when it is known

    def _event(self, *, heads: bool = False) -> Any:
        """What h11 makes of the next bytes; receives as many as that takes."""
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._parser.receive_data(self._receive(heads=heads))
        except h11.RemoteProtocolError as error:
            if self._parser.trailing_data[1]:
                raise IncompleteRead(b"") from None
            raise OddAnswerError(str(error)[:100]) from None
        return event

    def _receive(self, *, heads: bool) -> bytes:
        data: bytes = self.fp.read1(_RECEIVE_BYTES)
        self._tail = (self._tail + data[-4:])[-4:]
        if heads:
            if not data and not self._heads:
                raise RemoteDisconnected("closed without a byte")
            self._heads += data
        return data


def is_quiet(sock: socket) -> bool:
    """Whether nothing has arrived on a connection, its end included. A byte that did is lost. Never waits.

    Reading tells more than polling: over TLS, news of the session may have arrived, which are no answer.
    """
    allowance_s = sock.gettimeout()
    sock.setblocking(False)
    try:
        sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    finally:
        sock.settimeout(allowance_s)
    return False
