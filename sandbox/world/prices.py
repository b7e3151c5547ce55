"""A market's price at any moment: a forecast that wanders and ends at what really happened."""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

from sandbox.world.model import Event, Market
from sandbox.world.numbers import normal_cdf, smooth_noise


@dataclass(frozen=True, slots=True)
class Quote:
    """Best YES prices in centi-cents; None is an empty side."""

    bid_cc: int | None
    ask_cc: int | None


EMPTY = Quote(None, None)


@lru_cache(maxsize=16384)
def forecast(event: Event, at_s: int) -> tuple[float, float]:
    """What is expected of the final value at a time, and how uncertain that is (one standard deviation)."""
    timing = event.timing
    life = timing.close_s - timing.open_s
    left = min(1.0, max(0.0, (timing.close_s - at_s) / life))
    key = event.key
    noise = (
        1.4 * smooth_noise(key, at_s, life / 3)
        + 1.0 * smooth_noise(key + 1, at_s, life / 12)
        + 0.5 * smooth_noise(key + 2, at_s, life / 60)
        + 0.12 * smooth_noise(key + 3, at_s, 1200)
        + 0.06 * smooth_noise(key + 4, at_s, 180)
    )
    root = math.sqrt(left)
    return event.final_value + event.spread * root * noise, event.spread * (0.9 * root + 0.02)


def probability(market: Market, at_s: int) -> float:
    if market.legs:
        return math.prod(probability(leg, min(at_s, leg.timing.close_s)) for leg in market.legs)
    value, deviation = forecast(market.event, at_s)
    return normal_cdf((market.high - value) / deviation) - normal_cdf((market.low - value) / deviation)


def quote_time(market: Market, at_s: int) -> int:
    """The moment whose quote is in force at `at_s`: quotes move in steps, each event's at its own beat."""
    step = market.event.quote_step_s
    phase = market.event.key % step
    return max(market.timing.open_s, at_s - (at_s + phase) % step)


def base_quote(market: Market, at_s: int) -> Quote:
    """The quote without the account's own orders; both sides empty outside trading hours."""
    if not market.timing.open_s <= at_s < market.timing.close_s:
        return EMPTY
    return quote_at(market, quote_time(market, at_s))


@lru_cache(maxsize=65536)
def quote_at(market: Market, at_s: int) -> Quote:
    """Bid and ask around the fair price, on the market's grid and at least one tick apart."""
    chance = min(1.0, max(0.0, probability(market, at_s)))
    fair_cc = chance * 10_000
    half_cc = (60 + market.key % 3 * 45) * min(1.0, 4 * chance * (1 - chance) + 0.08)
    prices = market.event.series.grid.prices
    below = bisect_right(prices, fair_cc - half_cc) - 1
    above = max(below + 1, bisect_left(prices, fair_cc + half_cc))
    return Quote(
        prices[below] if below > 0 else None,
        prices[above] if above < len(prices) - 1 else None,
    )
