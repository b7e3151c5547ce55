"""An order's whole life, known when it is planned and revealed as time passes."""

from dataclasses import dataclass

from sandbox.world.book import Resting
from sandbox.world.model import Market


@dataclass(frozen=True, slots=True)
class Fill:
    """`is_yes` is the outcome gained: buying YES or selling NO. Prices are YES prices whatever the outcome."""

    fill_id: str
    order_id: str
    market: Market
    at_us: int
    is_yes: bool
    is_sell: bool
    yes_price_cc: int
    count_h: int
    is_taker: bool
    fee_u: int
    subaccount: int = 0

    @property
    def value_u(self) -> int:
        """Price of the gained outcome times count."""
        return (self.yes_price_cc if self.is_yes else 10_000 - self.yes_price_cc) * self.count_h


@dataclass(frozen=True, slots=True)
class Order:
    """`is_sell` only feeds the legacy fields: it closes what an earlier order opened. `end_us` cancels the rest.

    `grouped` orders belong to their subaccount's order group on the market's shard.
    """

    order_id: str
    market: Market
    is_yes: bool
    is_sell: bool
    yes_price_cc: int
    count_h: int
    created_us: int
    fills: tuple[Fill, ...]
    end_us: int
    expires: bool = False
    subaccount: int = 0
    grouped: bool = False

    def filled_h(self, now_us: int) -> int:
        return sum(fill.count_h for fill in self.fills if fill.at_us <= now_us)

    def status(self, now_us: int) -> str:
        if self.filled_h(now_us) == self.count_h:
            return "executed"
        return "resting" if now_us < self.end_us else "canceled"

    def last_update_us(self, now_us: int) -> int:
        moments = [fill.at_us for fill in self.fills if fill.at_us <= now_us]
        if self.status(now_us) == "canceled":
            moments.append(self.end_us)
        return max(moments, default=self.created_us)

    def resting(self, now_us: int) -> Resting | None:
        """Its place in the book, while it has one."""
        if self.created_us > now_us or self.status(now_us) != "resting":
            return None
        return Resting(self.is_yes, self.yes_price_cc, self.count_h - self.filled_h(now_us))
