"""Learn the account's rate limits and token costs from Kalshi, in the background.

First after the first successful call (so an exchange that is away costs nothing), then hourly, and a minute after
a failure. Until then the budget stands on the numbers of the smallest tier.
"""

from __future__ import annotations

import logging
import threading
import time

from kalshi.errors import KalshiError
from kalshi.limits.budget import Budget
from kalshi.upstream import params
from kalshi.upstream.client import Client
from kalshi.upstream.endpoints import ENDPOINTS

log = logging.getLogger("kalshi.limits")

EVERY_S = 3600.0
AFTER_FAILURE_S = 60.0


class AccountLimits:
    """can_sign: whether the account's own limits can be asked for; the costs are public."""

    def __init__(self, client: Client, budget: Budget, *, can_sign: bool) -> None:
        self._client = client
        self._budget = budget
        self._can_sign = can_sign
        self._lock = threading.Lock()
        self._next_at = 0.0

    def learn_soon(self) -> None:
        """Start learning in a thread of its own when it is due; returns at once."""
        now = time.monotonic()
        with self._lock:
            if now < self._next_at:
                return
            self._next_at = now + EVERY_S
        threading.Thread(target=self._learn_or_retry, name="kalshi-limits", daemon=True).start()

    def learn(self) -> None:
        """Ask for both documents and hand them to the budget. Raises the tree of kalshi.errors."""
        if self._can_sign:
            self._budget.learn_limits(self._fetch("get_account_api_limits"))
        self._budget.learn_costs(self._fetch("get_account_endpoint_costs"))

    def _learn_or_retry(self) -> None:
        try:
            self.learn()
        except KalshiError as problem:
            log.warning(
                "the account's rate limits could not be read (%s); asking again in a minute", problem.code
            )
            with self._lock:
                self._next_at = time.monotonic() + AFTER_FAILURE_S

    def _fetch(self, operation: str) -> bytes:
        call = params.validate(ENDPOINTS[operation], [], {}, api=False)
        return self._client.fetch(call, background=True, request_id="limits").body
