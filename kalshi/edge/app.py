"""The edge: fresh cached GETs are answered in the event loop, without entering Django.

A request is answered here when all of this holds, and goes to Django otherwise:

1. GET or HEAD, of an address to which Django gave an answer from the cache before (so its host is allowed and its
   parameters are good);
2. without `no-cache`, and no header of ours twice;
3. the credential was checked by Django within the last two seconds, at whatever address, and it was found as whom
   Kalshi is asked for it: which account, with which key, as which subaccount; the answer is the one that Django gave
   for this very identity, whoever asked then; where only the two seconds are over, one request of the caller goes to
   Django and the others wait for it, a second at most;
4. the entry is in memory and fresh; or stale while its refresh runs or the breaker is open.

Bytes, status and headers are those that Django would send; a test sends everything through both ways and compares.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kalshi.edge import question as questions
from kalshi.edge.access_log import AccessLog
from kalshi.edge.checks import Checks
from kalshi.edge.log_path import LogPath
from kalshi.edge.question import Question, Stamp
from kalshi.edge.ready import Ready, ReadyAnswers
from kalshi.request_id import new_request_id
from kalshi.server.bounded import CONNECTION
from kalshi.server.protocol import DECLINED, Asked, Reply, ShortCut
from kalshi.services import handover
from kalshi.services.key_usage import usage
from kalshi.services.metrics import Counts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_READING = frozenset({"GET", "HEAD"})
_CLOSE = (b"connection", b"close")


class Edge:
    """ASGI application around another one. Also writes the access log for both, and counts."""

    def __init__(self, inner: Application, access_log: AccessLog, counts: Counts) -> None:
        self._inner = inner
        self._log = access_log
        self._counts = counts
        self._draining = False
        self._ready = ReadyAnswers()
        self._checks = Checks()

    async def run(self) -> None:
        """Keep the settings in force at hand, for as long as the server runs."""
        # What was loaded so far stays: a full collection, which stops everybody, need not walk through it each time.
        gc.collect()
        gc.freeze()
        await self._ready.follow()

    def drain(self) -> None:
        """From now on each answer closes its connection: the server is about to stop."""
        self._draining = True

    def short_cut(self) -> ShortCut:
        """For our own server (kalshi.server.protocol): the same answers as through ASGI, or none."""
        return ShortCut(questions.read, self._answer, self._ready.caller_name)

    def _answer(self, question: Question, stamp: Stamp) -> Reply | None:
        started = time.perf_counter()
        if self._draining:
            return None
        ready = self._ready.find(question, stamp)
        if ready is None:
            return None
        _, made, body = ready
        request_id = new_request_id(question.offered_id)
        head = b"%bx-request-id: %b\r\n\r\n" % (made.lines, request_id.encode())
        self._note(ready, question, request_id=request_id, started=started)
        return Reply(made.status, head, body if question.method == "GET" else b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        found = _read(scope)
        if found is None:
            await self._through(scope, receive, send, None)
            return
        question, stamp = found
        ready = None
        if self._draining or DECLINED not in (scope.get("extensions") or ()):
            ready = self._ready.find(question, stamp)
        check = None
        if ready is None and not self._draining and self._ready.lacks_only_a_check(question, stamp):
            if await self._checks.waited(question.caller):
                ready = self._ready.find(question, stamp)
            else:
                check = self._checks.begin(question.caller)
        if ready is None:
            await self._through(scope, receive, send, question, check)
            return
        _, made, body = ready
        _tell_connection(scope, self._ready.caller_name(question))
        request_id = new_request_id(question.offered_id)
        headers = [*made.headers, (b"x-request-id", request_id.encode())]
        if self._draining:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": made.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._note(ready, question, request_id=request_id, started=started)

    def _note(self, ready: Ready, question: Question, *, request_id: str, started: float) -> None:
        """Count and log an answer of the edge's."""
        page, made, _ = ready
        if question.key_id is not None:
            usage.note(question.key_id.decode("ascii"))
        took_s = time.perf_counter() - started
        self._counts.request(page.route, made.status, "edge", took_s)
        self._counts.edge(page.operation, made.kind)
        self._log.add(
            (
                time.time(),
                question.peer,
                question.method,
                page.log_path,
                made.status,
                took_s,
                request_id,
                "edge",
            )
        )

    async def _through(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        question: Question | None,
        check: asyncio.Event | None = None,
    ) -> None:
        """Hand the request to Django, log its answer, and learn from it when it was a question for the edge.

        check: what others of the same caller wait for.
        """
        started = time.perf_counter()
        checked_at = time.monotonic()
        log_path = LogPath(scope["raw_path"], scope["query_string"])
        told = handover.expect(scope)
        status, request_id = 0, "-"

        async def listening(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message["headers"])
                caller = handover.caller(scope)
                if caller is not None:
                    _tell_connection(scope, caller)
                request_id = headers.get(b"x-request-id", b"-").decode("latin-1")
                # An answer that sets a cookie is for this request alone: neither it nor its caller may be reused.
                is_signed = bool(told) and told[0].signer is not None
                if (
                    told
                    and question is not None
                    and b"set-cookie" not in headers
                    and is_signed == (question.key_id is not None)
                ):
                    page = self._ready.learn(
                        question, told[0], checked_at, route=handover.route(scope), log_path=log_path
                    )
                    page.learn(status, message["headers"])
                if question is not None:
                    self._ready.answered(question, status)
                    if check is not None:
                        self._checks.end(question.caller, check)
                if self._draining:
                    message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        try:
            await self._inner(scope, receive, listening)
        finally:
            if question is not None and check is not None:
                self._checks.end(question.caller, check)
            took_s = time.perf_counter() - started
            self._counts.request(handover.route(scope), status, "django", took_s)
            self._log.add(
                (time.time(), _peer(scope), scope["method"], log_path, status, took_s, request_id, "django")
            )


def _read(scope: Scope) -> tuple[Question, Stamp] | None:
    if scope["method"] not in _READING:
        return None
    parts = ("method", "raw_path", "query_string", "headers", "scheme")
    return questions.read(Asked(*[scope[part] for part in parts]), _peer(scope))


def _tell_connection(scope: Scope, caller: str) -> None:
    """The connection is this caller's, whose credential is good; under another server than ours nobody counts."""
    connection = scope.get(CONNECTION)
    if connection is not None:
        connection.shown(caller)


def _peer(scope: Scope) -> str:
    """The caller's address, as far as the server or a trusted proxy tells it."""
    return scope["client"][0][:64] if scope.get("client") else "-"
