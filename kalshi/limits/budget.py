"""The account's read budget, as far as this process may use it.

Signed requests are charged to the account's token bucket, whose numbers come from /account/limits and
/account/endpoint_costs; until those are known the lowest tier is assumed. Unsigned requests share a small bucket of
their own, since Kalshi limits them by address. Persons reserve tokens ahead and are served in order; background work
takes only what is there, at most half of the rate, and so never stands before a person.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypedDict

from kalshi.errors import RateLimited
from kalshi.limits.lane import Lane
from kalshi.limits.learned import CostTable, Granted
from kalshi.limits.use import Use
from kalshi.limits.window import SlidingWindow

PUBLIC_PER_S = 3.0
PUBLIC_COST = 1.0

_log = logging.getLogger(__name__)


class BudgetSnapshot(TypedDict):
    """tier: None until learned. level, capacity: tokens of our share; refill_per_s: tokens, after any 429."""

    tier: str | None
    level: float
    capacity: float
    refill_per_s: float


class Budget:
    """Thread-safe; in this process only.

    share: part of the account's budget we may use (0-1]; process_share: this process's part of that (0-1];
    max_per_minute: a cap on the requests of all processes, signed or not. clock: seconds, never goes back.
    """

    def __init__(
        self,
        *,
        share: float,
        process_share: float = 1.0,
        max_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._share = share * process_share
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._granted = Granted()
        self._costs = CostTable()
        self._use = Use()
        self._account = Lane.full(
            self._granted.capacity * self._share, self._granted.refill_per_s * self._share, now=clock()
        )
        self._public = Lane.full(PUBLIC_PER_S * process_share, PUBLIC_PER_S * process_share, now=clock())
        cap = max_per_minute and max(1, int(max_per_minute * process_share))
        self._minute = SlidingWindow(cap) if cap else None
        self._background_minute = SlidingWindow(max(1, cap // 2)) if cap else None

    @property
    def granted(self) -> Granted:
        """What the whole account has, as far as it was learned."""
        return self._granted

    def cost(self, path: str, otherwise: float) -> float:
        """Tokens of a GET. path: as in the endpoint table; otherwise: its cost there, until costs are learned."""
        return self._costs.cost(path, otherwise)

    def acquire(self, cost: float, *, charged: bool, background: bool, max_wait_s: float) -> None:
        """Take the tokens of one request, waiting at most max_wait_s. RateLimited(retry_after_s) otherwise.

        charged: signed, so it costs the account; else it counts as one unsigned request.
        """
        lane, tokens = (self._account, cost) if charged else (self._public, PUBLIC_COST)
        deadline = self._clock() + max_wait_s
        while True:
            wait_s, reserved = self._reserve(lane, tokens, background=background, deadline=deadline)
            if wait_s > 0:
                self._sleep(wait_s)
            if reserved:
                return

    def limited(self, *, charged: bool) -> None:
        """A request got 429: the bucket is empty, and its rate is halved and recovers within a minute."""
        with self._lock:
            now = self._clock()
            lane = self._account if charged else self._public
            lane.advance(now)
            lane.limited(now)
            factor = lane.throttle.factor(now)
        log_limited(charged=charged, factor=factor)

    def drain(self) -> None:
        """Begin anew with empty buckets."""
        with self._lock:
            for lane in (self._account, self._public):
                lane.advance(self._clock())
                lane.drain()

    def note_request(self, wait_s: float, *, background: bool) -> None:
        """A request that was admitted elsewhere leaves in wait_s: it counts for this process's cap per minute."""
        with self._lock:
            now = self._clock()
            for window in self._windows(background=background):
                window.add(now + wait_s, now)

    def learn_limits(self, body: bytes) -> None:
        """Take over the answer of /account/limits. What is missing or odd keeps its old value, and is logged."""
        with self._lock:
            self._granted, faults = self._granted.learn(body)
            self._account.advance(self._clock())
            self._account.resize(
                self._granted.capacity * self._share, self._granted.refill_per_s * self._share
            )
        _log_faults("/account/limits", faults)

    def learn_costs(self, body: bytes) -> None:
        """Take over /account/endpoint_costs. What is missing or odd keeps its old value, and is logged."""
        with self._lock:
            self._costs, faults = self._costs.learn(body)
        _log_faults("/account/endpoint_costs", faults)

    def snapshot(self) -> BudgetSnapshot:
        """The account's bucket now."""
        with self._lock:
            now = self._clock()
            self._account.advance(now)
            bucket, factor = self._account.bucket, self._account.throttle.factor(now)
        return {
            "tier": self._granted.tier,
            "level": round(max(0.0, bucket.level), 1),
            "capacity": round(bucket.capacity, 1),
            "refill_per_s": round(bucket.refill_per_s * factor, 1),
        }

    def _reserve(self, lane: Lane, tokens: float, *, background: bool, deadline: float) -> tuple[float, bool]:
        """(seconds to wait, whether the tokens are taken). Background work takes only what is there."""
        with self._lock:
            now = self._clock()
            lane.advance(now)
            wait_s = lane.wait_s(tokens, background=background, now=now)
            windows = self._windows(background=background)
            wait_s = max(wait_s, 0.0, *(window.wait_s(now) for window in windows))
            if now + wait_s > deadline:
                raise spent_up(wait_s)
            if background and wait_s > 0:
                return wait_s, False
            lane.spend(tokens, background=background)
            for window in windows:
                window.add(now + wait_s, now)
            warn = lane is self._account and self._is_used(tokens, now)
        if warn:
            log_high_use(self._granted.tier)
        return wait_s, True

    def _windows(self, *, background: bool) -> list[SlidingWindow]:
        windows = (self._minute, self._background_minute if background else None)
        return [window for window in windows if window]

    def _is_used(self, tokens: float, now: float) -> bool:
        """Whether an episode of high use begins with these tokens."""
        self._use, begins = self._use.spent(tokens, now, self._account.bucket.refill_per_s)
        return begins


def spent_up(wait_s: float) -> RateLimited:
    return RateLimited("Our share of Kalshi's request budget is spent.", retry_after_s=wait_s)


def log_limited(*, charged: bool, factor: float) -> None:
    whose = "the account's" if charged else "the unsigned"
    _log.warning("Kalshi answered 429; %s rate is cut to %.0f %% for a minute.", whose, factor * 100)


def log_high_use(tier: str | None) -> None:
    _log.warning("More than 80 %% of the read budget is in use (%s).", tier or "tier unknown")


def _log_faults(path: str, faults: list[str]) -> None:
    if faults:
        _log.warning("%s: cannot read %s; the old numbers stay in force.", path, ", ".join(faults[:10]))
