"""What may be answered at once: whose credential, which cached entry, as a hit or as a stale copy.

Used by the event loop alone. Nothing here waits, but for `follow`, which reads the settings in a thread.
"""

from __future__ import annotations

import asyncio
import time

from kalshi import conf
from kalshi.byte_table import ByteTable, size_of
from kalshi.cache.policy import Action, Policy, decide
from kalshi.cache.readthrough import Answer, ReadThrough
from kalshi.edge.callers import Callers
from kalshi.edge.log_path import LogPath
from kalshi.edge.pages import Made, Page, Pages
from kalshi.edge.question import Question, Stamp
from kalshi.edge.signed import Keys
from kalshi.errors import BreakerOpen
from kalshi.services import engine, freshness
from kalshi.services.handover import Answered

OPTIONS_EVERY_S = 0.5
REFUSED = frozenset({401, 403})
# The time that one request has to get the refresh of an expired entry going, while the others get the old copy.
STARTING_S = 1.0
STARTING_BYTES = 2**20

# Plain tuples: made for every request, and a NamedTuple takes several times as long.
Ready = tuple[Page, Made, bytes]
"""Whose answer it is, its status and headers, and its body."""


class ReadyAnswers:
    """Learns from Django's answers, and finds the next ones by itself."""

    def __init__(self) -> None:
        self._callers = Callers()
        self._pages = Pages()
        self._keys = Keys()
        self._starting: ByteTable[str, float] = ByteTable(STARTING_BYTES)
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
        self, question: Question, answered: Answered, checked_at: float, *, route: str, log_path: LogPath
    ) -> Page:
        """Django let the caller in and answered from this key; it began at checked_at, monotonic
        seconds.
        """
        if question.key_id is not None and answered.signer is not None:
            self._keys.learn(question.key_id, answered.signer)
        self._callers.let_in(question.caller, answered.identity, checked_at, answered.caller)
        return self._pages.learn(question.address, answered, route, log_path)

    def caller_name(self, question: Question) -> str:
        """For whose credential the question was answered; not to be asked for one that was not."""
        return self._callers.name(question.caller)

    def answered(self, question: Question, status: int) -> None:
        """Django answered, or refused, what one caller was sent to get going: the next ones must hear of that."""
        identity = self._callers.last_identity(question.caller)
        page = None if identity is None else self._pages.get(question.address, identity)
        if page is not None:
            self._starting.pop(page.key)
        # Anybody can send a bad signature in the name of a key.
        if status in REFUSED and not (status == 401 and question.key_id is not None):
            self._callers.forget(question.caller)

    def find(self, question: Question, stamp: Stamp) -> Ready | None:
        """The answer, or None, after which this very request must go to Django: it may be the one sent to renew.

        stamp: verified when the question must be signed.
        """
        if self._options is None or question.wants_fetch:
            return None
        checking = time.monotonic()
        identity = self._callers.identity(question.caller, checking)
        page = None if identity is None else self._pages.get(question.address, identity)
        if page is None or not self._may_answer(question, stamp, checking):
            return None
        options = self._options.endpoints[page.operation]
        entry = self._cache.hot(page.key) if options.enabled else None
        if entry is None or entry.status != 200:
            return None
        status, body = 200, entry.body
        offered = question.if_none_match
        if offered is not None and (offered == entry.etag or freshness.etag_matches(offered, entry.etag)):
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

    def lacks_only_a_check(self, question: Question, stamp: Stamp) -> bool:
        """Whether a fresh answer is at hand, and was this caller's until the last check counted no more."""
        if self._options is None or question.wants_fetch:
            return False
        identity = self._callers.last_identity(question.caller)
        page = None if identity is None else self._pages.get(question.address, identity)
        if page is None or self._callers.identity(question.caller, time.monotonic()) is not None:
            return False
        options = self._options.endpoints[page.operation]
        entry = self._cache.hot(page.key) if options.enabled else None
        age_s = None if entry is None or entry.status != 200 else entry.age_s(time.time())
        if age_s is None or age_s >= options.fresh_s:
            return False
        # Else anybody could have others wait, in the name of their key.
        return question.key_id is None or self._keys.verifies(question, stamp)

    def _may_answer(self, question: Question, stamp: Stamp, now: float) -> bool:
        """Whether the signature, if there must be one, is good, and Django need not check the caller now."""
        if question.key_id is not None and not self._keys.verifies(question, stamp):
            return False
        return not self._callers.is_due(question.caller, now)

    def _is_refreshed(self, key: str) -> bool:
        """Whether somebody sees to the refresh. If not, this caller is sent to do so, and the next ones need not."""
        if self._cache.refreshing(key):
            return True
        now = time.monotonic()
        began_at = self._starting.get(key)
        if began_at is not None and now - began_at < STARTING_S:
            return True
        self._starting.put(key, now, size_of(key, now))
        return False
