"""The edge: fresh cached GETs are answered in the event loop, without entering Django.

A request is answered here when all of this holds, and goes to Django otherwise:

1. GET or HEAD, of an address to which Django gave an answer from the cache before (so its host is allowed and its
   parameters are good);
2. without `no-cache`, and no header of ours twice;
3. the credential was checked by Django within the last two seconds;
4. the entry is in memory and fresh; or stale while its refresh runs or the breaker is open.

Bytes, status and headers are those that Django would send; a test sends everything through both ways and compares.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from kalshi import conf
from kalshi.cache.entry import Entry
from kalshi.cache.policy import Action, Policy, decide
from kalshi.cache.readthrough import Answer, ReadThrough
from kalshi.edge.access_log import AccessLog, Line, path_for_log
from kalshi.edge.callers import Callers, Credential
from kalshi.edge.pages import Address, Header, Page, Pages
from kalshi.errors import BreakerOpen
from kalshi.limits.breaker import Breaker
from kalshi.limits.shared_breaker import SharedBreaker
from kalshi.request_id import new_request_id
from kalshi.services import engine, freshness, handover
from kalshi.services.metrics import Counts

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

OPTIONS_EVERY_S = 0.5
# The time that one request has to get the refresh of an expired entry going, while the others get the old copy.
STARTING_S = 1.0
MAX_STARTING = 10_000

_OURS = {
    b"authorization": 0,
    b"cookie": 1,
    b"host": 2,
    b"origin": 3,
    b"x-kalshi-account": 4,
    b"if-none-match": 5,
    b"cache-control": 6,
    b"x-request-id": 7,
}

_READING = frozenset({"GET", "HEAD"})
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_CLOSE = (b"connection", b"close")


# Plain tuples: made for every request, and a NamedTuple takes several times as long.
_Asked = tuple[Address, Credential]
# An answer that may be given at once: status, headers, body, and "hit" or "stale".
_Ready = tuple[int, list[Header], bytes, str]


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
        self._callers = Callers()
        self._pages = Pages()
        self._starting: dict[str, float] = {}
        self._options: conf.Options | None = None

    _cache: ReadThrough
    _breaker: Breaker | SharedBreaker

    async def run(self) -> None:
        """Keep the settings in force at hand, for as long as the server runs; reading them may block."""
        loop = asyncio.get_running_loop()
        # What was loaded so far stays: a full collection, which stops everybody, need not walk through it each time.
        gc.collect()
        gc.freeze()
        self._callers.watch()
        self._cache, self._breaker = engine.current().cache, engine.current().breaker
        while True:
            self._options = await loop.run_in_executor(None, conf.current)
            await asyncio.sleep(OPTIONS_EVERY_S)

    def drain(self) -> None:
        """From now on each answer closes its connection: the server is about to stop."""
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        ours = _our_headers(scope["headers"])
        if ours is None or scope["method"] not in _READING:
            await self._through(scope, receive, send, None)
            return
        authorization, cookie, host, origin, account, if_none_match, cache_control, offered_id = ours
        address = (scope["raw_path"], scope["query_string"], host, origin, scope["scheme"], account)
        credential = (authorization, cookie)
        page = self._pages.get(address)
        ready = self._ready(page, credential, if_none_match, cache_control) if page is not None else None
        if page is None or ready is None:
            await self._through(scope, receive, send, (address, credential))
            return
        status, around, body, kind = ready
        request_id = new_request_id(offered_id.decode("latin-1") if offered_id else None)
        headers = [*around, (b"x-request-id", request_id.encode())]
        if self._draining:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        took_s = time.perf_counter() - started
        self._counts.request(page.route, status, "edge", took_s)
        self._counts.edge(page.operation, kind)
        self._log.add(
            Line(
                time.time(), _peer(scope), scope["method"], page.log_path, status, took_s, request_id, "edge"
            )
        )

    def _ready(
        self, page: Page, credential: Credential, if_none_match: bytes | None, cache_control: bytes | None
    ) -> _Ready | None:
        if self._options is None or (cache_control is not None and b"no-cache" in cache_control.lower()):
            return None
        checking = time.monotonic()
        if not self._callers.knows(credential, checking) or self._callers.is_due(credential, checking):
            return None
        options = self._options.endpoints[page.operation]
        entry = self._cache.hot(page.key) if options.enabled else None
        if entry is None or entry.status != 200:
            return None
        offered = if_none_match.decode("latin-1") if if_none_match is not None else None
        unchanged = offered is not None and (
            offered == entry.etag or freshness.etag_matches(offered, entry.etag)
        )
        status = 304 if unchanged else 200
        body = b"" if unchanged else entry.body
        now = time.time()
        good = page.still_good(status, entry, options, now)
        if good is not None:
            return status, good, body, "hit"
        answer = self._answer(page, entry, options, now)
        if answer is None or status not in page.around:
            return None
        headers = page.headers(status, answer, options, now)
        return status, headers, body, answer.kind

    def _answer(self, page: Page, entry: Entry, options: conf.EndpointOptions, now: float) -> Answer | None:
        action = decide(entry, Policy(options.fresh_s, options.keep_s, options.patience_s), now, forced=False)
        if action is Action.SERVE:
            return Answer(entry, "hit")
        if action is Action.REFRESH and self._breaker.is_open():
            return Answer(entry, "stale", detail=BreakerOpen.code)
        if action is Action.REFRESH and self._is_refreshed(page.key):
            return Answer(entry, "stale", detail="refreshing")
        return None

    def _is_refreshed(self, key: str) -> bool:
        """Whether somebody sees to the refresh. If not, this caller is sent to do so, and the next ones need not."""
        if self._cache.refreshing(key):
            return True
        now = time.monotonic()
        if now - self._starting.get(key, -STARTING_S) < STARTING_S:
            return True
        if len(self._starting) > MAX_STARTING:
            self._starting.clear()
        self._starting[key] = now
        return False

    async def _through(self, scope: Scope, receive: Receive, send: Send, asked: _Asked | None) -> None:
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
                if told and asked is not None and b"set-cookie" not in headers:
                    page = self._pages.learn(asked[0], told[0], handover.route(scope), log_path)
                    page.learn(status, message["headers"])
                    self._callers.let_in(asked[1], checked_at)
                known = self._pages.get(asked[0]) if asked is not None else None
                if known is not None:
                    # Before the answer leaves, and also when it refuses: the next caller must hear of that too.
                    self._starting.pop(known.key, None)
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


def _our_headers(headers: Iterable[Header]) -> list[bytes | None] | None:
    """The values of the headers that matter, by the numbers of _OURS; None when one of them is there twice."""
    found: list[bytes | None] = [None] * len(_OURS)
    for name, value in headers:
        number = _OURS.get(name)
        if number is not None:
            if found[number] is not None:
                return None
            found[number] = value
    return found


def _make_plain(scope: Scope) -> None:
    """Take out what WSGI would misread: raw bytes in the query, and header names with underscores.

    WSGI cannot tell `X_Kalshi_Account` from `X-Kalshi-Account`; the edge can, and both must see the same request.
    """
    scope["query_string"] = _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], scope["query_string"])
    scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
