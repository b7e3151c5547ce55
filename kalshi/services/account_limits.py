"""Learn the account's rate limits and token costs from Kalshi, in the background.

First after the first successful call (so an exchange that is away costs nothing), then hourly, after a 429, and a
minute after a failure. Until then the budget stands on the numbers of the smallest tier. With Redis one process at a
time asks, and the others take over what it learned. The two requests stand in line with those of persons: as background
work they would wait for ever where wrong limits keep the budget spent.
"""

from __future__ import annotations

import logging
import threading
import time

from kalshi.cache.entry import CLOCK_SLACK_S
from kalshi.errors import KalshiError
from kalshi.limits.budget import Budget
from kalshi.limits.shared_budget import SharedBudget
from kalshi.limits.shelf import Learned, Shelf
from kalshi.redis_link import RedisLost
from kalshi.upstream import params
from kalshi.upstream.client import Client
from kalshi.upstream.endpoints import ENDPOINTS

log = logging.getLogger("kalshi.limits")

EVERY_S = 3600.0
AFTER_FAILURE_S = 60.0
AFTER_429_S = 60.0
"""More 429s within this time do not make us ask again: asking costs tokens too."""
WHILE_ANOTHER_ASKS_S = 2.0
LOOK_EVERY_S = 15.0
"""How often a process looks whether another one has learned something new."""


class AccountLimits:
    """client: with the patience LEARNING. can_sign: whether the account's own limits can be asked for; the costs are
    public. shelf: None without Redis.
    """

    def __init__(
        self, client: Client, budget: Budget | SharedBudget, shelf: Shelf | None = None, *, can_sign: bool
    ) -> None:
        self._client = client
        self._budget = budget
        self._shelf = shelf
        self._can_sign = can_sign
        self._lock = threading.Lock()
        self._next_at = 0.0
        self._known_at = 0.0  # epoch seconds of what the budget stands on
        self._wanted_at = 0.0  # what was learned before this moment is not good enough

    def learn_soon(self) -> None:
        """Start learning in a thread of its own when it is due; returns at once."""
        now = time.monotonic()
        with self._lock:
            if now < self._next_at:
                return
            self._next_at = now + AFTER_FAILURE_S
        threading.Thread(target=self._learn_or_retry, name="kalshi-limits", daemon=True).start()

    def learn_again(self) -> None:
        """Kalshi said 429, so what we know may be wrong: learn at the next successful call."""
        with self._lock:
            now = time.time()
            if now - max(_not_ahead(self._known_at, now), min(self._wanted_at, now)) > AFTER_429_S:
                self._wanted_at = now
                self._next_at = 0.0

    def _learn_or_retry(self) -> None:
        try:
            pause_s = self._learn()
        except KalshiError as problem:
            log.warning(
                "the account's rate limits could not be read (%s); asking again in a minute", problem.code
            )
            pause_s = AFTER_FAILURE_S
        with self._lock:
            self._next_at = time.monotonic() + pause_s

    def _learn(self) -> float:
        """Seconds until it is worth looking again. Raises the tree of kalshi.errors."""
        with self._lock:  # where our clock was set back, what is learned from now on is good enough
            self._wanted_at = min(self._wanted_at, time.time())
        if self._shelf is not None:
            try:
                return self._learn_with_others(self._shelf)
            except RedisLost:
                log.debug("the learned limits cannot be shared while Redis is lost")
        if self._is_due(self._known_at):
            self._take_over(self._ask())
        return EVERY_S if self._shelf is None else LOOK_EVERY_S

    def _learn_with_others(self, shelf: Shelf) -> float:
        learned = shelf.get()
        if learned is not None and not self._is_due(learned.at):
            if learned.at != self._known_at:
                self._take_over(learned)
        elif shelf.claim():
            learned = self._ask()
            self._take_over(learned)
            shelf.put(learned)
        else:
            return WHILE_ANOTHER_ASKS_S
        return LOOK_EVERY_S

    def _is_due(self, learned_at: float) -> bool:
        now = time.time()
        learned_at = _not_ahead(learned_at, now)
        return learned_at < self._wanted_at or now - learned_at >= EVERY_S

    def _ask(self) -> Learned:
        at = time.time()
        limits = self._fetch("get_account_api_limits") if self._can_sign else None
        return Learned(at, limits, self._fetch("get_account_endpoint_costs"))

    def _take_over(self, learned: Learned) -> None:
        if learned.limits is not None:
            self._budget.learn_limits(learned.limits)
        self._budget.learn_costs(learned.costs)
        self._known_at = learned.at

    def _fetch(self, operation: str) -> bytes:
        call = params.validate(ENDPOINTS[operation], [], {}, api=False)
        return self._client.fetch(call, request_id="limits").body


def _not_ahead(at: float, now: float) -> float:
    """Epoch seconds; 0 for a moment that our clock, since set back, has yet to reach."""
    return at if at - now <= CLOCK_SLACK_S else 0.0
