"""What the exchange lists: series, events, markets; times are Unix seconds."""

import math
from dataclasses import dataclass, field

from sandbox.world.grids import CENT, Grid

INFINITY = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    ticker: str
    title: str
    category: str
    tags: tuple[str, ...]
    frequency: str
    source: tuple[str, str]
    exchange_index: int = 0
    fee_type: str = "quadratic"
    fee_multiplier: float = 1.0
    grid: Grid = CENT
    trades_per_market: int = 90


@dataclass(frozen=True, slots=True)
class Timing:
    """Created (listed, not trading), open, close, result known, paid out."""

    created_s: int
    open_s: int
    close_s: int
    determined_s: int
    settled_s: int

    def last_change_s(self, now_s: int) -> int:
        moments = (self.created_s, self.open_s, self.close_s, self.determined_s, self.settled_s)
        return max(moment for moment in moments if moment <= now_s)


@dataclass(slots=True, eq=False)
class Event:
    """`final_value` is what will have happened: the degrees, the price, the margin; its forecast drives the prices.

    `spread` is the forecast's standard deviation at the opening, in the same unit.
    """

    ticker: str
    series: Series
    title: str
    sub_title: str
    key: int
    timing: Timing
    final_value: float
    spread: float
    value_text: str
    rules: str
    mutually_exclusive: bool = False
    strike_s: int | None = None
    strike_period: str = ""
    collection: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    tied: bool = False
    markets: list["Market"] = field(default_factory=list)

    @property
    def quote_step_s(self) -> int:
        """How often this event's quotes may change."""
        return (5, 10, 15, 30, 60)[self.key % 5]

    @property
    def fee_multiplier_override(self) -> float | None:
        """Some weather events trade at half the fee from the day they are listed."""
        return 0.5 if self.series.category == "Climate and Weather" and self.key % 23 == 0 else None

    @property
    def fee_multiplier(self) -> float:
        override = self.fee_multiplier_override
        return self.series.fee_multiplier if override is None else override

    @property
    def pause(self) -> tuple[int, int] | None:
        """A trading halt in the middle of some events' lives."""
        if self.key % 29:
            return None
        middle = (self.timing.open_s + self.timing.close_s) // 2
        return middle, middle + 3600

    def add(self, suffix: str, name: str, low: float, high: float, **strike: float | str | None) -> "Market":
        """One more market: YES when `low <= final_value < high`."""
        ticker = f"{self.ticker}-{suffix}" if suffix else self.ticker
        market = Market(ticker, self, self.key ^ len(self.markets) * 0x9E3779B9, low, high, name, **strike)  # type: ignore[arg-type]
        self.markets.append(market)
        return market


@dataclass(slots=True, eq=False)
class Market:
    ticker: str
    event: Event
    key: int
    low: float
    high: float
    name: str
    strike_type: str | None = None
    floor_strike: float | None = None
    cap_strike: float | None = None
    legs: tuple["Market", ...] = ()

    @property
    def timing(self) -> Timing:
        return self.event.timing

    @property
    def settlement_cc(self) -> int:
        """What one YES contract pays in the end: 1 dollar, nothing, or half of it after a tie."""
        if self.event.tied:
            return 5_000
        if self.legs:
            return 10_000 if all(leg.settlement_cc == 10_000 for leg in self.legs) else 0
        return 10_000 if self.low <= self.event.final_value < self.high else 0

    @property
    def result(self) -> str:
        return {10_000: "yes", 0: "no"}.get(self.settlement_cc, "scalar")

    def status(self, now_s: int) -> str:
        """The lifecycle word of a market that is listed (`created_s` reached)."""
        timing = self.timing
        if now_s < timing.open_s:
            return "initialized"
        if now_s < timing.close_s:
            return "inactive" if self.paused(now_s) else "active"
        if now_s < timing.determined_s:
            return "closed"
        return "determined" if now_s < timing.settled_s else "finalized"

    def paused(self, now_s: int) -> bool:
        pause = self.event.pause
        return pause is not None and pause[0] <= now_s < pause[1]

    def tradable(self, now_s: int) -> bool:
        return self.timing.open_s <= now_s < self.timing.close_s and not self.paused(now_s)
