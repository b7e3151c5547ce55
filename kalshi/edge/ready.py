"""What may be answered at once: whose credential, which cached entry, as a hit or as a stale copy.

Used by the event loop alone. Nothing here waits, but for `follow`, which reads the settings in a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from kalshi import conf
from kalshi.cache.policy import Action, Policy, decide
from kalshi.cache.readthrough import Answer, ReadThrough
from kalshi.edge.callers import Caller, Callers, Credential, SignedBy, caller_of
from kalshi.edge.pages import Address, Header, Made, Page, Pages
from kalshi.edge.signed import Keys, Signed
from kalshi.errors import BreakerOpen
from kalshi.services import engine, freshness
from kalshi.services.handover import Answered

OPTIONS_EVERY_S = 0.5
REFUSED = frozenset({401, 403})
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
    b"kalshi-access-key": 8,
    b"kalshi-access-timestamp": 9,
    b"kalshi-access-signature": 10,
}

Ours = list[bytes | None]
# Plain tuples: made for every request, and a NamedTuple takes several times as long.
Ready = tuple[Page, Made, bytes]
"""Whose answer it is, its status and headers, and its body."""


def our_headers(headers: Iterable[Header]) -> Ours | None:
    """The values of the headers that matter, by the numbers of _OURS; None when one of them is there twice."""
    found: Ours = [None] * len(_OURS)
    for name, value in headers:
        number = _OURS.get(name)
        if number is not None:
            if found[number] is not None:
                return None
            found[number] = value
    return found


class ReadyAnswers:
    """Learns from Django's answers, and finds the next ones by itself."""

    def __init__(self) -> None:
        self._callers = Callers()
        self._pages = Pages()
        self._keys = Keys()
        self._starting: dict[str, float] = {}
        self._options: conf.Options | None = None

    _cache: ReadThrough

    async def follow(self) -> None:
        """Keep the settings in force at hand, for as long as the server runs; reading them may block."""
        loop = asyncio.get_running_loop()
        self._callers.watch()
        self._cache = engine.current().cache  # of all accounts
        while True:
            self._options = await loop.run_in_executor(None, conf.current)
            await asyncio.sleep(OPTIONS_EVERY_S)

    def learn(
        self,
        address: Address,
        credential: Credential | SignedBy,
        answered: Answered,
        checked_at: float,
        *,
        route: str,
        log_path: str,
    ) -> Page:
        """Django let the caller in to an account and answered from this key; it began at checked_at, monotonic
        seconds.
        """
        if credential[0] == "signed" and answered.signer is not None:
            self._keys.learn(credential[1], answered.signer)
        self._callers.let_in(caller_of(credential, address), answered.account, checked_at)
        return self._pages.learn(address, answered, route, log_path)

    def answered(self, address: Address, credential: Credential | SignedBy, status: int) -> None:
        """Django answered, or refused, what one caller was sent to get going: the next ones must hear of that."""
        caller = caller_of(credential, address)
        account = self._callers.last_account(caller)
        page = None if account is None else self._pages.get(address, account)
        if page is not None:
            self._starting.pop(page.key, None)
        # Anybody can send a bad signature in the name of a key.
        if status in REFUSED and not (status == 401 and credential[0] == "signed"):
            self._callers.forget(caller)

    def find(
        self,
        address: Address,
        credential: Credential | SignedBy,
        if_none_match: bytes | None,
        cache_control: bytes | None,
        signed: Signed | None = None,
    ) -> Ready | None:
        """The answer, or None, after which this very request must go to Django: it may be the one sent to renew.

        signed: to be verified, after which credential is who signed it.
        """
        if self._options is None or (cache_control is not None and b"no-cache" in cache_control.lower()):
            return None
        checking = time.monotonic()
        caller = caller_of(credential, address)
        account = self._callers.account(caller, checking)
        page = None if account is None else self._pages.get(address, account)
        if page is None or not self._may_answer(caller, checking, signed):
            return None
        options = self._options.endpoints[page.operation]
        entry = self._cache.hot(page.key) if options.enabled else None
        if entry is None or entry.status != 200:
            return None
        status, body = 200, entry.body
        if if_none_match is not None:
            offered = if_none_match.decode("latin-1")
            if offered == entry.etag or freshness.etag_matches(offered, entry.etag):
                status, body = 304, b""
        now = time.time()
        made = page.still_good(status, entry, options, now)
        if made is None:
            if status not in page.around:
                return None
            action = decide(
                entry, Policy(options.fresh_s, options.keep_s, options.patience_s), now, forced=False
            )
            if action is Action.SERVE:
                answer = Answer(entry, "hit")
            elif action is not Action.REFRESH:
                return None
            elif page.breaker.is_open():
                answer = Answer(entry, "stale", detail=BreakerOpen.code)
            elif self._is_refreshed(page.key):
                answer = Answer(entry, "stale", detail="refreshing")
            else:
                return None
            made = page.make(status, answer, options, now)
        return page, made, body

    def _may_answer(self, caller: Caller, now: float, signed: Signed | None) -> bool:
        """Whether the signature, if there is one, is good, and Django need not check the caller now."""
        return (signed is None or self._keys.verifies(signed)) and not self._callers.is_due(caller, now)

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
