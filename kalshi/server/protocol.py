"""uvicorn's HTTP protocol with a short cut: what the application has at hand leaves in one write, without a task.

An application offers the short cut as `AT_ONCE` in the state of its lifespan. It is asked when nothing is in the way:
GET or HEAD in HTTP/1.1 without a body, on a connection that stays open, with nothing under way or left to write, and
without headers that uvicorn or its middleware would act on. Everything else, and what the application has no answer
for, goes uvicorn's own way.

Callers who poll send the same bytes each time, so a request that was answered at once is known again without parsing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

AT_ONCE = "kalshi.at_once"
DECLINED = "kalshi.at_once.declined"
"""Among the extensions of an ASGI scope: the application was asked for a short answer, and had none."""

Headers = list[tuple[bytes, bytes]]

# They tell of a body, of another protocol, of a caller behind a proxy, or of an answer before the answer.
_IN_THE_WAY = frozenset(
    {b"content-length", b"expect", b"transfer-encoding", b"upgrade", b"x-forwarded-for", b"x-forwarded-proto"}
)
_READING = {b"GET": "GET", b"HEAD": "HEAD"}

log = logging.getLogger("kalshi.server")


MAX_KNOWN = 1024
MAX_KNOWN_BYTES = 4096


class Asked(NamedTuple):
    """A request, as far as a short answer may depend on it. headers: names in small letters, as in ASGI."""

    method: str
    raw_path: bytes
    query: bytes
    headers: Headers
    scheme: str


class Reply(NamedTuple):
    """A whole answer. head: after the server's own headers, up to the empty line; body: b"" for HEAD and 304."""

    status: int
    head: bytes
    body: bytes


def _may_repeat(asked: Asked) -> bool:
    """Whether the same bytes may come again: a signed request has a time and a signature of its own."""
    return all(name != b"kalshi-access-signature" for name, _ in asked.headers)


AtOnce = Callable[[Asked, str], Reply | None]
"""Given a request and the address of its peer ("-" when unknown)."""

# Requests by all of their bytes, of this process. Whatever does not fit any more is parsed again.
_known: dict[tuple[str, bytes], Asked] = {}


class AtOnceProtocol(HttpToolsProtocol):
    """One connection. The idle time counts from the last answer, whichever way it took."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        limited = self.limit_concurrency is not None or bool(self.root_path)
        self._at_once: AtOnce | None = None if limited else app_state.get(AT_ONCE)
        self._answered: Asked | None = None  # the request that is being read
        self._declined = False
        self._between = True  # whether the parser stands between two requests
        self._begun = 0  # how many requests began in the bytes that are being read
        self._peer = "-"
        self._idle_since: float | None = None  # of a connection whose last answer was one of ours
        self._idle_timer: asyncio.TimerHandle | None = None
        self._own_headers: Headers = []
        self._own_lines = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else "-"

    def data_received(self, data: bytes) -> None:
        self._idle_since = None
        was_between = self._between
        self._declined = False
        if was_between and self._at_once is not None:
            asked = _known.get((self.scheme or "http", data))
            if asked is not None and self._is_free():
                self._unset_keepalive_if_required()
                if self._answer(self._at_once, asked):
                    return
                self._declined = True
        self._begun = 0
        super().data_received(data)
        asked = self._answered
        if was_between and self._between and self._begun == 1 and asked is not None and _may_repeat(asked):
            if len(_known) >= MAX_KNOWN:
                _known.clear()
            if len(data) <= MAX_KNOWN_BYTES:
                _known[asked.scheme, data] = asked

    def on_message_begin(self) -> None:
        self._answered = None
        self._between = False
        self._begun += 1
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        declined, self._declined = self._declined, False
        if not declined and self._at_once is not None and self._is_free() and self._is_simple():
            asked = self._asked()
            if self._answer(self._at_once, asked):
                self._answered = asked
                return
            declined = True
        url, headers = self.url, self.headers
        super().on_message_begin()
        if declined:
            self.scope["extensions"] = {DECLINED: {}}
        super().on_url(url)
        for name, value in headers:
            super().on_header(name, value)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._answered is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._between = not self.parser.should_upgrade()
        if self._answered is None:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def _is_free(self) -> bool:
        """Whether nothing is under way on the connection, and nothing waits to be written."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _is_simple(self) -> bool:
        return (
            self.parser.get_method() in _READING
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and _IN_THE_WAY.isdisjoint([name for name, _ in self.headers])
        )

    def _asked(self) -> Asked:
        parsed = httptools.parse_url(self.url)
        method = _READING[self.parser.get_method()]
        return Asked(method, parsed.path, parsed.query or b"", self.headers, self.scheme or "http")

    def _answer(self, at_once: AtOnce, asked: Asked) -> bool:
        """Write the application's short answer; False when there is none, and then nothing was written."""
        try:
            reply = at_once(asked, self._peer)
        except Exception:
            # Raised through the parser, it would look like a bad request of the caller's.
            log.exception("The short cut failed; the request takes the long way.")
            return False
        if reply is None:
            return False
        status, head, body = reply
        self.transport.write(b"".join((STATUS_LINE[status], self._server_lines(), head, body)))
        self.server_state.total_requests += 1
        self._rest()
        return True

    def _server_lines(self) -> bytes:
        """The headers of uvicorn's own, `Date` among them: another list each second."""
        headers = self.server_state.default_headers
        if headers is not self._own_headers:
            self._own_lines = b"".join(b"%b: %b\r\n" % header for header in headers)
            self._own_headers = headers
        return self._own_lines

    def _rest(self) -> None:
        """Have the connection closed when it stays idle: one timer for many answers."""
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._on_idle)

    def _on_idle(self) -> None:
        self._idle_timer = None
        if self._idle_since is None:
            return
        left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._idle_timer = self.loop.call_later(left_s, self._on_idle)
        else:
            self.timeout_keep_alive_handler()
