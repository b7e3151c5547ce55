"""The order book: generated levels, the account's resting orders laid into them, best prices from the result."""

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.world.model import Market
from sandbox.world.numbers import MASK, mix
from sandbox.world.prices import base_quote

SIZE_STEP_S = 45


@dataclass(frozen=True, slots=True)
class Resting:
    """What is left of an own order: a YES bid (`is_bid`) or ask, at a YES price."""

    is_bid: bool
    price_cc: int
    count_h: int


@dataclass(frozen=True, slots=True)
class Book:
    """Both sides as (YES price in centi-cents, count in hundredths), best level first."""

    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]

    @property
    def best_bid(self) -> tuple[int, int] | None:
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> tuple[int, int] | None:
        return self.asks[0] if self.asks else None


def book_at(market: Market, now_s: int, own: Iterable[Resting] = (), levels: int | None = None) -> Book:
    """At most `levels` generated levels a side (1 is enough for the best prices)."""
    quote = base_quote(market, now_s)
    prices = market.event.series.grid.prices
    depth = 6 + market.key % 20 if levels is None else levels
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    if quote.bid_cc is not None:
        start = prices.index(quote.bid_cc)
        bids = {
            price: size(market, price, 0, now_s) for price in prices[max(1, start - depth + 1) : start + 1]
        }
    if quote.ask_cc is not None:
        start = prices.index(quote.ask_cc)
        asks = {
            price: size(market, price, 1, now_s)
            for price in prices[start : min(start + depth, len(prices) - 1)]
        }
    if market.tradable(now_s) or market.paused(now_s):
        for order in own:
            lay(order, bids if order.is_bid else asks, asks if order.is_bid else bids)
    return Book(sorted(bids.items(), reverse=True), sorted(asks.items()))


def lay(order: Resting, same: dict[int, int], other: dict[int, int]) -> None:
    """Add an own order to its side; the generated levels it would cross give way."""
    same[order.price_cc] = same.get(order.price_cc, 0) + order.count_h
    crossed = [
        price for price in other if (price <= order.price_cc) == order.is_bid or price == order.price_cc
    ]
    for price in crossed:
        del other[price]


def size(market: Market, price_cc: int, side: int, now_s: int) -> int:
    """Hundredths of contracts at a level; it changes every SIZE_STEP_S at the earliest, level by level."""
    beat = (now_s + price_cc % SIZE_STEP_S) // SIZE_STEP_S
    stirred = mix((market.key + price_cc * 2 + side) ^ (beat * 0xA24BAED4963EE407 & MASK))
    whole = 5 + (stirred % 1_000) ** 2 // 450
    fraction = (stirred >> 20) % 100 if market.key % 3 == 0 else 0
    return whole * 100 + fraction


def queue_size(market: Market, price_cc: int, now_s: int, *, is_bid: bool) -> int:
    """Contracts of the market itself at a price, 0 where no level stands; own orders are not among them."""
    book = book_at(market, now_s)
    return dict(book.bids if is_bid else book.asks).get(price_cc, 0)
