"""One token bucket with its shares: persons may use all of it, background work half, and less after a 429."""

from dataclasses import dataclass
from typing import Self

from kalshi.limits.bucket import Bucket
from kalshi.limits.throttle import Throttle

BACKGROUND_SHARE = 0.5


@dataclass(slots=True)
class Lane:
    """Mutable, not thread-safe; all times are seconds of one monotonic clock, costs are tokens."""

    bucket: Bucket
    background: Bucket
    throttle: Throttle

    @classmethod
    def full(cls, capacity: float, refill_per_s: float, *, now: float) -> Self:
        """A full lane. What of it is really there, Kalshi alone knows; one capacity is the most it can be off."""
        share = BACKGROUND_SHARE
        return cls(
            Bucket(capacity, refill_per_s, capacity, now),
            Bucket(capacity * share, refill_per_s * share, capacity * share, now),
            Throttle(),
        )

    def advance(self, now: float) -> None:
        """Fill up. The factor at the last look counts for all the time since: too low, never too high."""
        speed = self.throttle.factor(self.bucket.updated_at)
        self.bucket = self.bucket.at(now, speed=speed)
        self.background = self.background.at(now, speed=speed)

    def wait_s(self, cost: float, *, background: bool, now: float) -> float:
        """Seconds until `cost` may be spent."""
        speed = self.throttle.factor(now)
        wait_s = self.bucket.wait_s(cost, speed=speed)
        return max(wait_s, self.background.wait_s(cost, speed=speed)) if background else wait_s

    def spend(self, cost: float, *, background: bool) -> None:
        """Take the tokens, on credit where they are not there yet."""
        self.bucket = self.bucket.spent(cost)
        if background:
            self.background = self.background.spent(cost)

    def resize(self, capacity: float, refill_per_s: float) -> None:
        """New limits of the whole lane."""
        share = BACKGROUND_SHARE
        self.bucket = self.bucket.resized(capacity, refill_per_s)
        self.background = self.background.resized(capacity * share, refill_per_s * share)

    def limited(self, now: float) -> None:
        """Kalshi said 429: whatever we believed to have is not there."""
        self.throttle = self.throttle.limited(now)
        self.drain()

    def drain(self) -> None:
        """Nothing is there."""
        self.bucket = self.bucket.emptied()
        self.background = self.background.emptied()
