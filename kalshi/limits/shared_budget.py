"""The account's read budget for all processes: its token buckets in Redis, by Redis's clock.

pyrate-limiter 4.5 (TokenBucket, Redis store) was measured first, with four processes at cost 10 on 200 tokens and 200
per second: it overshot by 2 tokens in the worst sub-second window, but by 102 when one process's clock, which it
trusts, ran half a second ahead. It also has no priorities, no reservations (who waits must ask again and may be
overtaken for ever) and no rate that shrinks after a 429, so the scripts here stand in its place.
"""

import logging
import time
from collections.abc import Callable
from secrets import token_hex

from kalshi.limits import bucket_scripts
from kalshi.limits.budget import (
    PUBLIC_COST,
    PUBLIC_PER_S,
    Budget,
    BudgetSnapshot,
    log_high_use,
    log_limited,
    spent_up,
)
from kalshi.limits.learned import Granted
from kalshi.redis_link import PREFIX, RedisLink, RedisLost

_log = logging.getLogger(__name__)


class SharedBudget:
    """Thread-safe. account, public: what the buckets of signed and unsigned requests are called in their keys.

    share: part of the account's budget that all processes on this Redis may use (0-1]; max_per_minute: a cap on their
    requests. local: knows what was learned, and takes over with this process's part when Redis is lost, from empty
    buckets. clock: seconds, None for Redis's own.
    """

    def __init__(
        self,
        link: RedisLink,
        account: str,
        public: str,
        local: Budget,
        *,
        share: float,
        max_per_minute: int | None = None,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._local = local
        self._share = share
        self._caps = (max_per_minute, max(1, max_per_minute // 2)) if max_per_minute else (0, 0)
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._alone = False
        self._lanes = {
            charged: link.name(f"{PREFIX}:budget:{scope}")
            for charged, scope in ((True, account), (False, public))
        }
        self._minutes = [link.name(f"{PREFIX}:{kind}:{account}") for kind in ("minute", "minute-background")]
        self._take = link.script(bucket_scripts.TAKE)
        self._limited = link.script(bucket_scripts.LIMITED)
        self._look = link.script(bucket_scripts.LOOK)

    @property
    def granted(self) -> Granted:
        """As Budget.granted: as far as this process heard."""
        return self._local.granted

    def cost(self, path: str, otherwise: float) -> float:
        """As Budget.cost."""
        return self._local.cost(path, otherwise)

    def learn_limits(self, body: bytes) -> None:
        """As Budget.learn_limits."""
        self._local.learn_limits(body)

    def learn_costs(self, body: bytes) -> None:
        """As Budget.learn_costs."""
        self._local.learn_costs(body)

    def acquire(self, cost: float, *, charged: bool, background: bool, max_wait_s: float) -> None:
        """As Budget.acquire, for all processes together; in one round trip, unless background work must wait."""
        deadline = self._monotonic() + max_wait_s
        while True:
            left_s = max(0.0, deadline - self._monotonic())
            try:
                said, wait_s = self._ask(cost, charged=charged, background=background, longest_s=left_s)
            except RedisLost:
                self._go_alone()
                self._local.acquire(cost, charged=charged, background=background, max_wait_s=left_s)
                return
            if said == "late":
                raise spent_up(wait_s)
            if wait_s > 0:
                self._sleep(wait_s)
            if said == "go":
                return

    def limited(self, *, charged: bool) -> None:
        """As Budget.limited, for all processes."""
        try:
            factor = float(self._limited([self._lanes[charged]], self._numbers(charged=charged)))
        except RedisLost:
            self._local.limited(charged=charged)
            return
        log_limited(charged=charged, factor=factor)

    def snapshot(self) -> BudgetSnapshot:
        """The account's bucket now. Asks Redis."""
        numbers = self._numbers(charged=True)
        try:
            level, factor = (float(text) for text in self._look([self._lanes[True]], numbers))
        except RedisLost:
            return self._local.snapshot()
        _, capacity, refill_per_s = numbers
        return {
            "tier": self._local.granted.tier,
            "level": round(max(0.0, level), 1),
            "capacity": round(float(capacity), 1),
            "refill_per_s": round(float(refill_per_s) * factor, 1),
        }

    def _ask(self, cost: float, *, charged: bool, background: bool, longest_s: float) -> tuple[str, float]:
        """("go", "wait" or "late", seconds)."""
        wishes = [cost if charged else PUBLIC_COST, int(background), longest_s, *self._caps, token_hex(8)]
        keys = [self._lanes[charged], *self._minutes]
        said, wait_text, high = self._take(keys, [*self._numbers(charged=charged), *wishes])
        self._alone = False
        wait_s = float(wait_text)
        if said == b"go":
            self._local.note_request(wait_s, background=background)
            if high and charged:
                log_high_use(self._local.granted.tier)
        return said.decode(), wait_s

    def _numbers(self, *, charged: bool) -> list[str | float]:
        """Clock, capacity and refill of a lane."""
        now = "" if self._clock is None else repr(self._clock())
        if not charged:
            return [now, PUBLIC_PER_S, PUBLIC_PER_S]
        granted = self._local.granted
        return [now, granted.capacity * self._share, granted.refill_per_s * self._share]

    def _go_alone(self) -> None:
        """What the others spent just before is unknown, so our part begins empty."""
        if not self._alone:
            self._alone = True
            self._local.drain()
