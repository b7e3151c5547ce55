"""Token buckets as plain data. Pure: `now` is passed in, in seconds of a clock that never goes back.

Tokens may be spent ahead of time, into debt: `wait_s` says when a cost falls due, `spent` takes it at once. Whoever
comes later waits longer, so callers are served in order without a queue, and one round trip suffices where the
numbers live in Redis.
"""

from dataclasses import dataclass, replace
from typing import Self

ROUNDING = 1e-6
"""Tokens. Less than this is missing only because floats are rounded, and nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """level: tokens there at `updated_at`, negative while reservations are unpaid; at most capacity.

    What falls due in any window of t seconds costs no more than capacity + refill_per_s * t (where a single cost
    exceeds the capacity: that cost + refill_per_s * t).
    """

    capacity: float
    refill_per_s: float
    level: float
    updated_at: float

    def at(self, now: float, *, speed: float = 1.0) -> Self:
        """The bucket at `now`, filled at `speed` times its rate since it was last touched."""
        elapsed_s = max(0.0, now - self.updated_at)
        level = min(self.capacity, self.level + elapsed_s * self.refill_per_s * speed)
        return replace(self, level=level, updated_at=max(now, self.updated_at))

    def wait_s(self, cost: float, *, speed: float = 1.0) -> float:
        """Seconds until `cost` falls due. One above the capacity waits for a full bucket, not for ever."""
        missing = min(cost, self.capacity) - self.level
        return missing / (self.refill_per_s * speed) if missing > ROUNDING else 0.0

    def spent(self, cost: float) -> Self:
        """The bucket without these tokens."""
        return replace(self, level=self.level - cost)

    def resized(self, capacity: float, refill_per_s: float) -> Self:
        """New limits; what is there stays, as far as it fits."""
        level = min(self.level, capacity)
        return replace(self, capacity=capacity, refill_per_s=refill_per_s, level=level)

    def emptied(self) -> Self:
        """Nothing there; debts stay."""
        return replace(self, level=min(self.level, 0.0))
