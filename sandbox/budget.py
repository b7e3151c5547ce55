"""Token buckets: rates and capacities per tier, and what a request costs."""

from dataclasses import dataclass

DEFAULT_COST = 10
COSTS = {"/portfolio/orders/{order_id}": 2}


@dataclass(frozen=True, slots=True)
class Tier:
    """Tokens per second and the most that can be saved up."""

    read_rate: int
    read_capacity: int
    write_rate: int
    write_capacity: int


TIERS = {
    "basic": Tier(200, 600, 100, 100),
    "advanced": Tier(300, 900, 300, 900),
    "expert": Tier(600, 600, 600, 1_800),
    "premier": Tier(1_200, 1_200, 1_200, 3_600),
    "paragon": Tier(2_400, 2_400, 2_400, 7_200),
    "prime": Tier(4_800, 4_800, 4_800, 14_400),
    "prestige": Tier(12_000, 12_000, 9_600, 28_800),
}


class TokenBucket:
    """Full at the start; `now` is any monotonic clock in seconds."""

    def __init__(self, rate: float, capacity: float, now: float) -> None:
        self.rate = rate
        self.capacity = capacity
        self.level = capacity
        self.seen = now

    def take(self, cost: float, now: float) -> bool:
        """Pay if the bucket holds enough; a refusal costs nothing."""
        self.level = min(self.capacity, self.level + max(0.0, now - self.seen) * self.rate)
        self.seen = max(self.seen, now)
        if self.level < cost:
            return False
        self.level -= cost
        return True
