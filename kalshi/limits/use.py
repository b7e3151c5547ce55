"""How much of the budget is really in use: tokens spent of late, older ones counting less and less. Pure."""

import math
from dataclasses import dataclass
from typing import Self

MEMORY_S = 10.0
HIGH = 0.8
CALM = 0.5


@dataclass(frozen=True, slots=True)
class Use:
    """amount: decayed sum of the tokens spent until `at` (seconds); high: in an episode of high use."""

    amount: float = 0.0
    at: float = float("-inf")
    high: bool = False

    def spent(self, cost: float, now: float, refill_per_s: float) -> tuple[Self, bool]:
        """(use after this cost, whether an episode begins). It ends when less than half of the refill is used."""
        amount = self.amount * math.exp(-max(0.0, now - self.at) / MEMORY_S) + cost
        part = amount / MEMORY_S / refill_per_s
        high = part > (CALM if self.high else HIGH)
        return type(self)(amount, now, high), high and not self.high
