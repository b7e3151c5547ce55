"""Where a request ends: uvicorn's HTTP protocol, held to one answer for each request and nothing after the last.

Whoever stands before us (nginx, another proxy, a browser's pool) must never see our answer to bytes that it did not
mean as a request. So:

- after a request that asks for another protocol (`Upgrade`, CONNECT), that is not HTTP/1.1, or that ends its
  connection, no byte is read as a request any more: it is answered, and the connection is closed;
- a request has one host, that of its address if that names one; a trailer is not a header;
- what cannot be parsed, or is too long, gets one answer and an end, and never in the middle of another answer.

Bytes are counted here where the parser would keep them (address, header fields); time and bodies: bounded.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from functools import partial
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from kalshi.server import refusals
from kalshi.server.ending import Ending

MAX_LINE_BYTES = 96 * 1024
"""Of a request's address. Two thousand ids in a query need 82 KB."""
MAX_PATH_BYTES = 8 * 1024
"""Of the address without its query. Decoding a path takes the event loop's time."""
MAX_HEADER_BYTES = 16 * 1024
"""Of all header fields together: names, values, and four bytes each for what stands between them."""
MAX_PIPELINED = 32
"""Requests that wait behind one that is being answered. Those after them are not answered; the connection ends."""

log = logging.getLogger("kalshi.server")


class _StopParsing(Exception):
    """Raised through the parser: nothing that follows is for us."""


class _OneAtATime(FlowControl):
    """Reads on only when no request waits in line: else each answer before it, and each look for more of a body, would
    let another packet in. line: of the requests that wait.
    """

    def __init__(self, transport: asyncio.Transport, line: deque[Any]) -> None:
        super().__init__(transport)
        self._line = line

    def resume_reading(self) -> None:
        if not self._line:
            super().resume_reading()


class FramedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._between = True  # whether the parser stands between two requests
        self._in_head = False
        self._head_bytes = self._field_bytes = 0
        self._last = False  # nothing is read from this connection any more
        self._refusal: bytes | None = None
        self._running: RequestResponseCycle | None = None  # the request that is being answered

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _OneAtATime(transport, self.pipeline)
        self._ending = Ending(transport, self.loop, self._on_ending)

    def data_received(self, data: bytes) -> None:
        if self._last:
            self._ending.throw_away(data)
            return
        self._unset_keepalive_if_required()
        began_in_head = self._in_head
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Here a WebSocket server could take the connection over. Nobody does: on_message_complete has ended it.
            pass
        except httptools.HttpParserError as problem:
            cause = problem.__context__
            if cause is not None and not isinstance(cause, (_StopParsing, httptools.HttpParserError)):
                log.exception("A request could not be taken.", exc_info=cause)
            if not self._last:
                self._refuse(self._refusal or refusals.NOT_HTTP)
        if began_in_head and self._in_head and not self._last:
            # The parser keeps a field until it is whole, and tells of it only then.
            self._head_bytes += len(data)
            if self._head_bytes > len(self.url) + MAX_HEADER_BYTES:
                self._refuse(refusals.LONG_HEADERS)

    def on_message_begin(self) -> None:
        if self._last:
            raise _StopParsing
        self._between = False
        self._in_head = True
        self._head_bytes = self._field_bytes = 0
        self.url = b""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > MAX_LINE_BYTES:
            self._stop_with(refusals.LONG_LINE)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        self._field_bytes += len(name) + len(value) + 4
        if self._field_bytes > MAX_HEADER_BYTES:
            self._stop_with(refusals.LONG_HEADERS)
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._check_head()
        if len(self.pipeline) >= MAX_PIPELINED:
            self._end_after_the_answers()
            raise _StopParsing
        self.take_request()
        self._in_head = False

    def take_request(self) -> None:
        """Hand the request whose head was read to the application."""
        headers, (target, query) = self.headers, self.split_url()
        super().on_message_begin()
        self.url, self.headers[:] = target, headers
        stays_open = self._stays_open()
        self.expect_100_continue = stays_open and any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        super().on_headers_complete()
        self.scope["query_string"] = query
        self.cycle.transport = self._ending  # type: ignore[assignment]
        if not stays_open:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True
        self._last = not self._stays_open()

    def on_response_complete(self) -> None:
        self._running = None
        if self._ending.begun:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()
            if not self.transport.is_closing():
                self.flow.resume_reading()

    def unanswered(self) -> Iterator[RequestResponseCycle]:
        """The request that is being answered, and those that wait in line."""
        if self._running is not None:
            yield self._running
        yield from (cycle for cycle, _ in self.pipeline)

    def connection_lost(self, exc: Exception | None) -> None:
        # uvicorn tells only the request that it parsed last.
        for cycle in self.unanswered():
            cycle.disconnected = True
            cycle.message_event.set()
        self.pipeline.clear()
        self._ending.lost()
        super().connection_lost(exc)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, partial(_unless_cancelled, cycle, app))

    def split_url(self) -> tuple[bytes, bytes]:
        """(address without the query, query). httptools cannot read one of more than 64 KB."""
        target, _, rest = self.url.partition(b"?")
        return target, rest.partition(b"#")[0]

    def is_free(self) -> bool:
        """Whether nothing is under way on the connection, and nothing waits to be written."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _stays_open(self) -> bool:
        """Whether a request may follow the one that the parser is at."""
        parser = self.parser
        return (
            not parser.should_upgrade() and parser.should_keep_alive() and parser.get_http_version() == "1.1"
        )

    def _check_head(self) -> None:
        """Refuse what two readers could understand differently."""
        version = self.parser.get_http_version()
        if version not in {"1.1", "1.0"}:
            self._stop_with(refusals.VERSION)
        if len(self.split_url()[0]) > MAX_PATH_BYTES:
            self._stop_with(refusals.LONG_LINE)
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1 or (not hosts and version == "1.1"):
            self._stop_with(refusals.NOT_HTTP)
        if not self.url.startswith(b"/") and not _names_host(self.url, hosts):
            self._stop_with(refusals.NOT_HTTP)
        # The parser lets some of these pass where it does not read the body.
        lengths = [value for name, value in self.headers if name == b"content-length"]
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (lengths or codings != [b"chunked"] or version != "1.1"):
            self._stop_with(refusals.NOT_HTTP)
        if len(lengths) > 1 or not all(length.isdigit() for length in lengths):
            self._stop_with(refusals.NOT_HTTP)

    def _stop_with(self, refusal: bytes) -> None:
        self._refusal = refusal
        raise _StopParsing

    def _refuse(self, refusal: bytes) -> None:
        """Answer what was read last in the application's place, unless something else is being answered, and end."""
        in_body = not self._between and not self._in_head
        if in_body and self.pipeline:
            self.pipeline.popleft()  # it would wait for its body for ever
            in_body = False
        running = self._running
        if running is None and not in_body:
            self._end_with(refusal)
        elif not in_body:
            self._end_after_the_answers()
        else:
            if running is not None:
                running.disconnected = True
                running.waiting_for_100_continue = False
                running.message_event.set()
            if running is None or running.response_started:
                self._ending.close()
            else:
                self._end_with(refusal)

    def _end_with(self, refusal: bytes) -> None:
        self._last = True
        if not self.transport.is_closing():
            is_head = not self._between and self.url and self.parser.get_method() == b"HEAD"
            self.transport.write(refusals.without_body(refusal) if is_head else refusal)
            self._ending.close()

    def _on_ending(self) -> None:
        self._last = True
        self.pipeline.clear()
        self.cycle = self.scope = None  # type: ignore[assignment]
        self.headers, self.url = [], b""
        self.flow.resume_reading()

    def _end_after_the_answers(self) -> None:
        """Read nothing more, and close when what was read before is answered."""
        self._last = True
        if self.pipeline:
            self.pipeline[0][0].keep_alive = False
        elif self._running is not None:
            self._running.keep_alive = False


async def _unless_cancelled(
    cycle: RequestResponseCycle, app: Any, scope: Any, receive: Any, send: Any
) -> None:
    """The server cancels what is left when its time is over: that is the end of the connection, and no error."""
    try:
        await app(scope, receive, send)
    except asyncio.CancelledError:
        cycle.disconnected = True
        cycle.transport.abort()


def _names_host(url: bytes, hosts: list[bytes]) -> bool:
    """Whether an address that does not begin with `/` is `*`, or has the host of the Host field."""
    if url == b"*":
        return True
    scheme, found, rest = url.partition(b"://")
    if not found or scheme.lower() not in {b"http", b"https"}:
        return False
    host, has_path, _ = rest.partition(b"/")
    return bool(has_path) and [host.lower()] == [value.strip().lower() for value in hosts]
