"""Bounds what a connection may send, and how long it may take: uvicorn itself waits for ever, and keeps all of it."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from kalshi.server.protocol import AtOnceProtocol

REQUEST_S = 20.0
"""From the opening of the connection, or the first byte of a later request, to the last byte of the request."""
MAX_REQUEST_BYTES = 256 * 1024
"""Request line, headers and body together. nginx lets through 64 KB of headers and 128 KB of body."""

_BODY = b'{"error": "The request is larger than 256 KB.", "code": "bad_request", "request_id": "-"}'
TOO_LARGE = b"".join(
    (
        STATUS_LINE[413],
        b"content-type: application/json\r\ncache-control: no-store\r\nconnection: close\r\n",
        b"content-length: %d\r\n\r\n" % len(_BODY),
        _BODY,
    )
)


class BoundedProtocol(AtOnceProtocol):
    """Closes connections whose request is not there in time, and those that send too much of one.

    A timer runs only while a request is incomplete; those that arrive in one piece never start one.
    """

    _deadline: asyncio.TimerHandle | None = None
    _received = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_S, self._on_deadline)

    def data_received(self, data: bytes) -> None:
        was_between = self._between
        super().data_received(data)
        # Line breaks between two requests are no request: they must not keep a connection open for ever.
        if self._between and (not was_between or self._begun or self._idle_since is not None):
            self._received = 0
            if self._deadline is not None:
                self._clear()
            return
        if self.parser is None or self.parser.should_upgrade():
            self._clear()
            return
        self._received += len(data)
        if self._received > MAX_REQUEST_BYTES:
            if self._is_free():
                self.transport.write(TOO_LARGE)
            self.transport.close()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_S, self._on_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear()
        super().connection_lost(exc)

    def _clear(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        self._deadline = None
        self.transport.close()
