"""How often one caller may ask: a token bucket for each, in Redis for all processes, or in this process alone.

A bucket holds what may be asked in one second, and one request at least, unless it is told otherwise; who asks too
early is refused at once, never held up. Nothing here knows Kalshi's budget.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kalshi.byte_table import ByteTable, size_of
from kalshi.limits.bucket import ROUNDING, Bucket
from kalshi.limits.redis_clock import NOW
from kalshi.redis_link import NUMBER, PREFIX, RedisLink, RedisLost

CALLERS_BYTES = 4 * 2**20
"""In this process; the one that asked longest ago is forgotten, and begins with a full bucket."""
BUCKET_BYTES = 250

# KEYS: bucket. ARGV: clock, capacity, refill per second. Returns {whether it was let through, what is left}.
_TAKE = f"""{NOW}{NUMBER}
local capacity, refill = tonumber(ARGV[2]), tonumber(ARGV[3])
local h = redis.call('HMGET', KEYS[1], 'at', 'level')
local at = math.min(number(h[1]) or now, now)
local level = math.min(capacity, math.max(0, number(h[2]) or capacity) + (now - at) * refill)
local through = level >= 1 - {ROUNDING}
if through then level = level - 1 end
redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now), 'level', string.format('%.9f', level))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - level) / refill * 1000) + 1000)
return {{through and 1 or 0, string.format('%.9f', level)}}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a request. level: requests that may come at once after it; below 1 when it was refused."""

    allowed: bool
    level: float
    capacity: float
    per_s: float

    @property
    def wait_s(self) -> float:
        """Seconds until the next request is let through."""
        return max(0.0, 1 - self.level) / self.per_s

    @property
    def full_in_s(self) -> float:
        """Seconds until as many may come at once as ever."""
        return max(0.0, self.capacity - self.level) / self.per_s


def capacity_of(per_s: float) -> float:
    """Requests that may come at once."""
    return max(1.0, float(math.floor(per_s)))


class CallerLimits:
    """Thread-safe. link: the shared Redis, if there is one; alone: the part of each limit that this process grants
    while Redis is lost. clock: seconds, None for Redis's own.
    """

    def __init__(
        self,
        link: RedisLink | None,
        *,
        alone: float = 1.0,
        clock: Callable[[], float] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._alone = alone
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._buckets: ByteTable[str, Bucket] = ByteTable(CALLERS_BYTES)
        self._take = link.script(_TAKE) if link is not None else None

    def take(self, name: str, per_s: float, capacity: float | None = None) -> Taken:
        """Let one request of the caller through, or not. One round trip.

        name: may stand in a key of Redis. capacity: requests that may come at once, where it is not what the rate says.
        """
        capacity = capacity_of(per_s) if capacity is None else capacity
        if self._link is None or self._take is None:
            return self._take_here(name, per_s, capacity)
        now = "" if self._clock is None else repr(self._clock())
        try:
            through, level = self._take([self._link.name(f"{PREFIX}:caller:{name}")], [now, capacity, per_s])
        except RedisLost:
            return self._take_here(name, per_s * self._alone, max(1.0, math.floor(capacity * self._alone)))
        return Taken(bool(through), float(level), capacity, per_s)

    def _take_here(self, name: str, per_s: float, capacity: float) -> Taken:
        now = self._monotonic()
        with self._lock:
            known = self._buckets.get(name) or Bucket(capacity, per_s, capacity, now)
            bucket = known.at(now).resized(capacity, per_s)
            allowed = bucket.wait_s(1) == 0
            bucket = bucket.spent(1) if allowed else bucket
            self._buckets.put(name, bucket, size_of(name) + BUCKET_BYTES)
        return Taken(allowed, bucket.level, capacity, per_s)
