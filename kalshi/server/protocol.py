"""uvicorn's HTTP protocol with a short cut: what the application has at hand leaves in one write, without a task.

An application offers the short cut as `AT_ONCE` in the state of its lifespan. It is asked when nothing is in the way:
GET or HEAD in HTTP/1.1 without a body, on a connection that stays open, with nothing under way or left to write, and
without headers that uvicorn or its middleware would act on. Everything else, and what the application has no answer
for, goes uvicorn's own way.

A request that was answered at once is known again by its bytes (kalshi.server.repeated), without parsing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from kalshi.server.framing import FramedProtocol
from kalshi.server.repeated import Changing, Repeated

AT_ONCE = "kalshi.at_once"
MAX_JOINED_BYTES = 64 * 1024
DECLINED = "kalshi.at_once.declined"
"""Among the extensions of an ASGI scope: the application was asked for a short answer, and had none."""

Headers = list[tuple[bytes, bytes]]

# They tell of a body, of another protocol, of a caller behind a proxy, or of an answer before the answer.
_IN_THE_WAY = frozenset(
    {b"content-length", b"expect", b"transfer-encoding", b"upgrade", b"x-forwarded-for", b"x-forwarded-proto"}
)
_READING = {b"GET": "GET", b"HEAD": "HEAD"}

log = logging.getLogger("kalshi.server")


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


class ShortCut:
    """What an application offers as AT_ONCE.

    read(request, address of its peer, "-" when unknown): the request as the application understands it, and the values
    in it that are different each time; None: nothing for the short cut. Depends on nothing but the request, since it is
    kept for the same bytes.

    answer(what was read, changing values): decided each time; None: there is no short answer now. Must refuse changing
    values that are not of their kind, see Repeated.

    caller(what was read): a name for whose credential the request came with, once it was answered.
    """

    def __init__(
        self,
        read: Callable[[Asked, str], tuple[Any, Changing] | None],
        answer: Callable[[Any, Changing], Reply | None],
        caller: Callable[[Any], str],
    ) -> None:
        self.read = read
        self.answer = answer
        self.caller = caller
        self.repeated = Repeated()


class AtOnceProtocol(FramedProtocol):
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
        self._at_once: ShortCut | None = None if limited else app_state.get(AT_ONCE)
        # What was read from the request that the parser is at, once it is answered.
        self._answered: tuple[Any, Changing] | None = None
        self._declined = False
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
        at_once = self._at_once
        if was_between and at_once is not None and not self._last:
            known = at_once.repeated.find(self.scheme or "http", self._peer, data)
            if known is not None and self.is_free():
                self._unset_keepalive_if_required()
                if self._answer(at_once, known) is not None:
                    return
                self._declined = True
        self._begun = 0
        super().data_received(data)
        answered = self._answered
        if (
            was_between
            and self._between
            and self._begun == 1
            and at_once is not None
            and answered is not None
        ):
            at_once.repeated.keep(self.scheme or "http", self._peer, data, *answered)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._answered = None
        self._begun += 1

    def take_request(self) -> None:
        declined, self._declined = self._declined, False
        if not declined and self._at_once is not None and self.is_free() and self._is_simple():
            self._answered = self._answer(self._at_once, None)
            if self._answered is not None:
                return
            declined = True
        super().take_request()
        if declined:
            self.scope["extensions"] = {DECLINED: {}}

    def on_body(self, body: bytes) -> None:
        if self._answered is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._answered is None:
            super().on_message_complete()
        else:
            self._between = True

    def connection_lost(self, exc: Exception | None) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def _is_simple(self) -> bool:
        return (
            self.parser.get_method() in _READING
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and self.url.startswith(b"/")
            and _IN_THE_WAY.isdisjoint([name for name, _ in self.headers])
        )

    def _asked(self) -> Asked:
        target, query = self.split_url()
        method = _READING[self.parser.get_method()]
        path = httptools.parse_url(target).path
        return Asked(method, path, query, self.headers, self.scheme or "http")

    def _answer(self, at_once: ShortCut, known: tuple[Any, Changing] | None) -> tuple[Any, Changing] | None:
        """Write the application's short answer to a known request, or to the one that was parsed, and give back what
        was read from it; None when there is no such answer, and then nothing was written.
        """
        try:
            read = known or at_once.read(self._asked(), self._peer)
            if read is None:
                return None
            reply = at_once.answer(*read)
        except httptools.HttpParserInvalidURLError:
            return None  # the long way refuses it
        except Exception:
            # Raised through the parser, it would look like a bad request of the caller's.
            log.exception("The short cut failed; the request takes the long way.")
            return None
        if reply is None:
            return None
        status, head, body = reply
        if len(body) <= MAX_JOINED_BYTES:
            self.transport.write(b"".join((STATUS_LINE[status], self._server_lines(), head, body)))
        else:
            # Not copied: while it waits to be taken, everybody who asked for it holds the same bytes.
            self.transport.writelines((b"".join((STATUS_LINE[status], self._server_lines(), head)), body))
        self.server_state.total_requests += 1
        self._rest()
        self.answered_at_once(read[0])
        return read

    def answered_at_once(self, read: Any) -> None:
        """Called after each short answer, with what was read from the request."""

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
