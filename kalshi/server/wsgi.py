"""Django's WSGI handler inside the ASGI shell, so that no thread ever waits for a client.

1. The event loop reads the whole body, and only then a thread is taken: half a request costs none. Whoever has a few
   requests in threads already waits in line for one (kalshi.server.lines), and is refused where the line is too long.
2. The thread runs the application to its end and calls `close()` of its answer, where Django gives its database
   connections back. The answer is handed over whole (kalshi.server.collected), a streamed one as well; that one ends
   early when its client has left.
3. The event loop sends it in pieces, each when the client has taken the one before. Whoever takes nothing is closed by
   the server's protocol (kalshi.server.slow_readers); sending to a closed connection returns at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import copy_context
from typing import Any

from kalshi.server.answering import Answer, Application, CallerOf, Client, answer_of
from kalshi.server.askers import Askers
from kalshi.server.bounded import CONNECTION
from kalshi.server.changed_files import Changed, Warnings, refuse_changed
from kalshi.server.collected import Rooms
from kalshi.server.environ import environ_of
from kalshi.server.lines import LineFull
from kalshi.server.refusals import BUSY_S, TOO_LARGE_BODY, TOO_MANY_BODY
from kalshi.server.threads import DaemonThreads

MAX_BODY_BYTES = 256 * 1024
"""Of a request. The protocol lets no more through; this holds under any other server."""

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class WsgiBridge:
    """An ASGI application for HTTP around a WSGI one, which runs in these threads."""

    def __init__(
        self,
        application: Application,
        threads: DaemonThreads,
        rooms: Rooms | None = None,
        *,
        caller: CallerOf = lambda scope: None,
    ) -> None:
        self._application = application
        self._threads = threads
        self._rooms = rooms or Rooms()
        self._caller = caller
        self._askers = Askers()
        self._changed = Warnings()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP comes here, not {scope['type']}")
        body = await _read(receive)
        if body is None:
            return
        if len(body) > MAX_BODY_BYTES:
            await _refuse(send, 413, TOO_LARGE_BODY, (b"connection", b"close"))
            return
        client = Client()
        watching = asyncio.create_task(_watch(receive, client))
        try:
            answer = await self._run(scope, body, client, watching)
            if answer is not None:
                self._askers.judged(scope, self._caller(scope))
                await _send(answer, scope["method"], send, client)
        except Changed:
            self._changed.tell(scope["path"], time.monotonic())
            await _cut(scope, watching)
        except LineFull:
            await _refuse(send, 429, TOO_MANY_BODY, (b"retry-after", b"%d" % BUSY_S))
        finally:
            watching.cancel()

    async def _run(
        self, scope: Scope, body: bytes, client: Client, watching: asyncio.Task[None]
    ) -> Answer | None:
        """The answer; None when the client left, and then a job that has not begun never does. Raises LineFull."""
        who = self._askers.group(scope)
        job = self._threads.submit_for(who, copy_context().run, self._answer, scope, body, client)
        running: asyncio.Future[Answer | None] = asyncio.wrap_future(job)
        either: set[asyncio.Future[Any]] = {running, watching}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not running.done() and job.cancel():
            return None
        return await running

    def _answer(self, scope: Scope, body: bytes, client: Client) -> Answer | None:
        """Called in a thread."""
        return answer_of(self._application, environ_of(scope, body), client, self._rooms, self._caller)


async def _read(receive: Receive) -> bytes | None:
    """The body, or more of it than is allowed; None when the client left."""
    pieces: list[bytes] = []
    count = 0
    while count <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        count += len(pieces[-1])
        if not message.get("more_body", False):
            break
    return b"".join(pieces)


async def _watch(receive: Receive, client: Client) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    client.gone = True


async def _send(answer: Answer, method: str, send: Send, client: Client) -> None:
    """Raises Changed, when the connection has to end."""
    body = answer.body
    try:
        refuse_changed(answer, method)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        offset = 0
        while True:
            piece = body.read(offset)
            offset += len(piece)
            if not piece and offset < body.size:
                raise Changed
            more = offset < body.size
            await send({"type": "http.response.body", "body": piece, "more_body": more})
            if not more:
                return
            # Others have their turn also when this client takes everything at once, and its leaving is noticed.
            await asyncio.sleep(0)
            if client.gone:
                return
    finally:
        body.close()


async def _cut(scope: Scope, watching: asyncio.Task[None]) -> None:
    """End the connection, and wait for that: an answer that ends earlier would be an error to the server."""
    scope[CONNECTION].cut()
    await watching


async def _refuse(send: Send, status: int, body: bytes, more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
