"""After a 429 the effective rate is halved and recovers within a minute. Pure; times are seconds."""

from dataclasses import dataclass
from typing import Self

RECOVERY_S = 60.0
FLOOR = 0.1
EPISODE_S = 1.0
"""429s this close together are one event: ten requests in the air do not prove ten times as much."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """start: the factor right after the last 429; since: when that was."""

    start: float = 1.0
    since: float = float("-inf")

    def factor(self, now: float) -> float:
        """Part of the rate that may be used now, rising from `start` to 1."""
        elapsed_s = now - self.since
        if elapsed_s >= RECOVERY_S:
            return 1.0
        return self.start + (1.0 - self.start) * max(0.0, elapsed_s) / RECOVERY_S

    def limited(self, now: float) -> Self:
        """Kalshi said 429 at `now`."""
        if now - self.since < EPISODE_S:
            return self
        return type(self)(max(FLOOR, self.factor(now) / 2), now)
