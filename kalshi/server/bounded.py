"""Bounds what a connection may send, how long it may take, and how many one caller may hold.

uvicorn itself waits for ever, keeps all of it, and counts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cached_property
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.server import ServerState

from kalshi.networks import network_of
from kalshi.server import refusals
from kalshi.server.connections import Connections, Held
from kalshi.server.held_bytes import HeldBytes
from kalshi.server.protocol import AtOnceProtocol

REQUEST_S = 20.0
"""From the opening of the connection, or the first byte of a later request, to the last byte of the request."""
MAX_REQUEST_BYTES = 256 * 1024
"""Request line, headers and body together. nginx lets through 112 KB of line and headers and 128 KB of body."""
MAX_UNANSWERED_BYTES = 64 * 1024 * 1024
"""Of all requests of a process that are incomplete, or not answered yet and large or in line. Beyond, the connection
with the most is given up.
"""
LARGE_BYTES = 16 * 1024
"""Of a request that counts also when it arrived in one piece."""
JUDGING_S = 0.05
"""So long a group of connections may be over its share: time to read what those who just came have sent already."""

REQUEST_KEEPS_BYTES, FIELD_KEEPS_BYTES = 4 * 1024, 128
"""What a request, and each of its header fields, take in memory beside their own bytes."""

CONNECTION = "kalshi.connection"
"""In an ASGI scope: the BoundedProtocol that carries the request. Whoever finds the credential good calls `shown`."""

_KEPT_BYTES = "kalshi.kept_bytes"  # in an ASGI scope: of a request until it is answered
_CREDENTIALS = frozenset({b"authorization", b"cookie", b"kalshi-access-key"})


class OfTheProcess:
    """What the connections of a process share. proxies: addresses and networks whose X-Forwarded-For is believed."""

    def __init__(self, proxies: Iterable[str] = (), connections: Connections | None = None) -> None:
        self.connections = connections or Connections()
        self.unanswered = HeldBytes()
        self._proxies = list(proxies)

    @cached_property
    def proxies(self) -> _TrustedHosts:
        """Made when it is first asked for, in the process itself: it cannot be sent to one."""
        return _TrustedHosts(self._proxies)


class BoundedProtocol(AtOnceProtocol):
    """One connection. Closed when a request is not there in time, or too much of one.

    A timer runs only while a request is incomplete; those that arrive in one piece never start one.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        of_the_process: OfTheProcess,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = of_the_process.connections
        self._unanswered = of_the_process.unanswered
        self._proxies = of_the_process.proxies
        self._deadline: asyncio.TimerHandle | None = None
        self._received = 0  # of packets with something of the request under way
        self._of_others = 0  # of these, what may belong to the requests before it
        self._request_bytes = 0  # of the request that the parser is at: address, headers and body
        self._is_proxy = False
        self._stranger = ""  # whose the connection, or the request under way, is until it shows a credential

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_S, self._on_deadline)
        self._is_proxy = self.client is None or self.client[0] in self._proxies
        if not self._is_proxy:
            self._stranger = network_of(self._peer)
            self._join(Held.STRANGER, self._stranger)

    def data_received(self, data: bytes) -> None:
        was_between = self._between
        super().data_received(data)
        if self._last:
            self._clear()
            return
        if not self._between and self._begun > (1 if was_between else 0):
            # Another one ended in these bytes.
            self._received, self._of_others = 0, len(data)
            self._clear()
        if self._received or not self._between or self.pipeline or len(data) > LARGE_BYTES:
            self._count_bytes(len(data))
        # Line breaks between two requests are no request: they must not keep a connection open for ever.
        if self._between and (not was_between or self._begun or self._idle_since is not None):
            self._received = self._of_others = 0
            if self._deadline is not None:
                self._clear()
            return
        self._received += len(data)
        if self._received - self._of_others > MAX_REQUEST_BYTES:
            self._refuse(refusals.TOO_LARGE)
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_S, self._on_deadline)

    def _count_bytes(self, more: int = 0) -> None:
        """Of the requests that are answered, that wait in line, and whose head is read; more: just received."""
        kept = sum(cast(dict[str, Any], cycle.scope)[_KEPT_BYTES] for cycle in self.unanswered())
        if self._in_head:
            kept += self._received + more
        if kept:
            self._unanswered.note(self, kept)
            self._unanswered.cut_down(MAX_UNANSWERED_BYTES)
        else:
            self._unanswered.forget(self)

    def on_body(self, body: bytes) -> None:
        self._request_bytes += len(body)
        if self._request_bytes > MAX_REQUEST_BYTES:
            self._stop_with(refusals.TOO_LARGE)
        if self._answered is None:
            cast(dict[str, Any], self.scope)[_KEPT_BYTES] += len(body)
        super().on_body(body)

    def take_request(self) -> None:
        self._request_bytes = len(self.url) + self._field_bytes
        super().take_request()
        if self._answered is not None:
            return
        scope = cast(dict[str, Any], self.scope)
        scope[CONNECTION] = self
        scope[_KEPT_BYTES] = self._request_bytes + REQUEST_KEEPS_BYTES + FIELD_KEEPS_BYTES * len(self.headers)
        if self._is_proxy:
            forwarded = [value for name, value in self.headers if name == b"x-forwarded-for"]
            if not forwarded:
                return
            address, _ = self._proxies.get_trusted_client_address(b",".join(forwarded).decode("latin-1"))
            self._stranger = network_of(address)
        if self._stranger:
            asks = any(name in _CREDENTIALS for name, _ in self.headers)
            self._join(Held.JUDGED if asks else Held.STRANGER, self._stranger)

    def answered_at_once(self, read: Any) -> None:
        if self._stranger and self._at_once is not None:
            self.shown(self._at_once.caller(read))

    def on_response_complete(self) -> None:
        if self._is_proxy:
            self._connections.leave(self)
        elif self._stranger:
            self._join(Held.STRANGER, self._stranger)
        super().on_response_complete()
        self._count_bytes()

    def shown(self, caller: str) -> None:
        """The request that is being answered came with a credential that is good: this caller's."""
        if self._stranger:
            self._stranger = ""
            self._join(Held.CALLER, caller)

    def cut(self) -> None:
        self._clear()
        self.transport.abort()

    def give_up(self) -> None:
        self._unanswered.forget(self)
        self.cut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear()
        self._connections.leave(self)
        self._unanswered.forget(self)
        super().connection_lost(exc)

    def _join(self, held: Held, holder: str) -> None:
        if self._connections.join(self, held, holder):
            self.loop.call_later(JUDGING_S, self._connections.trim, held, holder)

    def _clear(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        if self.pipeline:
            # Nothing is read from it meanwhile, which is not its caller's doing.
            self._deadline = self.loop.call_later(REQUEST_S, self._on_deadline)
            return
        self._deadline = None
        self.transport.close()
