"""The edge: fresh cached GETs are answered in the event loop, without entering Django.

A request is answered here when all of this holds, and goes to Django otherwise:

1. GET or HEAD, of an address to which Django gave an answer from the cache before (so its host is allowed and its
   parameters are good);
2. without `no-cache`, and no header of ours twice;
3. the credential was checked by Django within the last two seconds, and the account found that it is about; the answer
   is the one that Django gave for this very account, whoever asked then;
4. the entry is in memory and fresh; or stale while its refresh runs or the breaker is open.

Bytes, status and headers are those that Django would send; a test sends everything through both ways and compares.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from kalshi.edge import signed
from kalshi.edge.access_log import AccessLog, Line, path_for_log
from kalshi.edge.callers import Credential, SignedBy
from kalshi.edge.pages import Address
from kalshi.edge.ready import Ready, ReadyAnswers, our_headers
from kalshi.request_id import new_request_id
from kalshi.server.protocol import DECLINED, Asked, Reply
from kalshi.services import handover
from kalshi.services.key_usage import usage
from kalshi.services.metrics import Counts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_READING = frozenset({"GET", "HEAD"})
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_CLOSE = (b"connection", b"close")

# What a request asks, and who. A plain tuple: made for every request.
_Question = tuple[Address, Credential | SignedBy]


class Edge:
    """ASGI application around another one. Also writes the access log for both, and counts.

    redact: takes secrets out of a piece of text that goes into the log.
    """

    def __init__(
        self, inner: Application, access_log: AccessLog, counts: Counts, *, redact: Callable[[str], str]
    ) -> None:
        self._inner = inner
        self._log = access_log
        self._counts = counts
        self._redact = redact
        self._draining = False
        self._ready = ReadyAnswers()

    async def run(self) -> None:
        """Keep the settings in force at hand, for as long as the server runs."""
        # What was loaded so far stays: a full collection, which stops everybody, need not walk through it each time.
        gc.collect()
        gc.freeze()
        await self._ready.follow()

    def drain(self) -> None:
        """From now on each answer closes its connection: the server is about to stop."""
        self._draining = True

    def at_once(self, asked: Asked, peer: str) -> Reply | None:
        """The short cut of our own server (kalshi.server.protocol): the same answer as through ASGI, or None."""
        started = time.perf_counter()
        method, raw_path, query, headers, scheme = asked
        ours = our_headers(headers)
        if ours is None or self._draining:
            return None
        who = signed.caller(ours, method, raw_path, peer)
        if who is None:
            return None
        _, _, host, origin, account, if_none_match, cache_control, offered_id, *_ = ours
        credential, to_verify = who
        ready = self._ready.find(
            (raw_path, query, host, origin, scheme, account),
            credential,
            if_none_match,
            cache_control,
            to_verify,
        )
        if ready is None:
            return None
        _, made, body = ready
        request_id = new_request_id(offered_id.decode("latin-1") if offered_id else None)
        head = b"%bx-request-id: %b\r\n\r\n" % (made.lines, request_id.encode())
        self._note(ready, credential, peer[:64], method, request_id=request_id, started=started)
        return Reply(made.status, head, body if method == "GET" else b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        ours = our_headers(scope["headers"])
        who = None
        if ours is not None and scope["method"] in _READING:
            who = signed.caller(ours, scope["method"], scope["raw_path"], _peer(scope))
        if ours is None or who is None:
            await self._through(scope, receive, send, None)
            return
        _, _, host, origin, account, if_none_match, cache_control, offered_id, *_ = ours
        address = (scope["raw_path"], scope["query_string"], host, origin, scope["scheme"], account)
        credential, to_verify = who
        ready = None
        if self._draining or DECLINED not in (scope.get("extensions") or ()):
            ready = self._ready.find(address, credential, if_none_match, cache_control, to_verify)
        if ready is None:
            await self._through(scope, receive, send, (address, credential))
            return
        _, made, body = ready
        request_id = new_request_id(offered_id.decode("latin-1") if offered_id else None)
        headers = [*made.headers, (b"x-request-id", request_id.encode())]
        if self._draining:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": made.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._note(ready, credential, _peer(scope), scope["method"], request_id=request_id, started=started)

    def _note(
        self,
        ready: Ready,
        credential: Credential | SignedBy,
        peer: str,
        method: str,
        *,
        request_id: str,
        started: float,
    ) -> None:
        """Count and log an answer of the edge's."""
        page, made, _ = ready
        if credential[0] == "signed":
            usage.note(credential[1].decode("ascii"))
        took_s = time.perf_counter() - started
        self._counts.request(page.route, made.status, "edge", took_s)
        self._counts.edge(page.operation, made.kind)
        self._log.add(Line(time.time(), peer, method, page.log_path, made.status, took_s, request_id, "edge"))

    async def _through(self, scope: Scope, receive: Receive, send: Send, asked: _Question | None) -> None:
        """Hand the request to Django, log its answer, and learn from it when it was a question for the edge."""
        started = time.perf_counter()
        checked_at = time.monotonic()
        log_path = path_for_log(scope["raw_path"], scope["query_string"], self._redact)
        _make_plain(scope)
        told = handover.expect(scope)
        status, request_id = 0, "-"

        async def listening(message: Message) -> None:
            nonlocal status, request_id
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message["headers"])
                request_id = headers.get(b"x-request-id", b"-").decode("latin-1")
                # An answer that sets a cookie is for this request alone: neither it nor its caller may be reused.
                is_signed = bool(told) and told[0].signer is not None
                if (
                    told
                    and asked is not None
                    and b"set-cookie" not in headers
                    and is_signed == (asked[1][0] == "signed")
                ):
                    page = self._ready.learn(
                        *asked, told[0], checked_at, route=handover.route(scope), log_path=log_path
                    )
                    page.learn(status, message["headers"])
                if asked is not None:
                    self._ready.answered(*asked, status)
                if self._draining:
                    message["headers"] = [*message["headers"], _CLOSE]
            await send(message)

        try:
            await self._inner(scope, receive, listening)
        finally:
            took_s = time.perf_counter() - started
            self._counts.request(handover.route(scope), status, "django", took_s)
            self._log.add(
                Line(
                    time.time(), _peer(scope), scope["method"], log_path, status, took_s, request_id, "django"
                )
            )


def _peer(scope: Scope) -> str:
    """The caller's address, as far as the server or a trusted proxy tells it."""
    return scope["client"][0][:64] if scope.get("client") else "-"


def _make_plain(scope: Scope) -> None:
    """Take out what WSGI would misread: raw bytes in the query, and header names with underscores.

    WSGI cannot tell `X_Kalshi_Account` from `X-Kalshi-Account`; the edge can, and both must see the same request.
    """
    scope["query_string"] = _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], scope["query_string"])
    scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
