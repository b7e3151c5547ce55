"""The public trades of a market: a fixed list of moments and sizes, priced by the quote of their moment."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.world.model import Market
from sandbox.world.numbers import MASK, mix, uuid_of
from sandbox.world.prices import quote_at, quote_time


@dataclass(frozen=True, slots=True)
class Trade:
    trade_id: str
    market: Market
    at_us: int
    count_h: int
    yes_price_cc: int
    taker_is_yes: bool
    is_block: bool = False


class Tape:
    """Moments (microseconds) and running volume (hundredths) of one market's generated trades."""

    __slots__ = ("hashes", "market", "moments", "volumes")

    def __init__(self, market: Market) -> None:
        self.market = market
        self.moments = array("q")
        self.volumes = array("q")
        self.hashes = array("Q")
        timing = market.timing
        slots = market.event.series.trades_per_market
        slot_us = (timing.close_s - timing.open_s) * 1_000_000 // slots
        volume = 0
        for number in range(slots):
            stirred = mix(market.key ^ (number * 0x9FB21C651E98DF25 & MASK))
            moment = timing.open_s * 1_000_000 + number * slot_us + ((stirred >> 3 & 0xFFFF) * slot_us >> 16)
            if stirred & 7 < 6 and not market.paused(moment // 1_000_000):
                volume += trade_count(stirred)
                self.moments.append(moment)
                self.volumes.append(volume)
                self.hashes.append(stirred)

    def index(self, at_us: int) -> int:
        """How many trades happened up to a moment, that moment included."""
        return bisect_right(self.moments, at_us)

    def volume(self, at_us: int) -> int:
        upto = self.index(at_us)
        return self.volumes[upto - 1] if upto else 0

    def trade(self, place: int) -> Trade:
        stirred, moment = self.hashes[place], self.moments[place]
        quote = quote_at(self.market, quote_time(self.market, moment // 1_000_000))
        is_yes = bool(stirred >> 52 & 1)
        if quote.ask_cc is None or quote.bid_cc is None:
            is_yes = quote.bid_cc is None
        price = quote.ask_cc if is_yes else quote.bid_cc
        return Trade(
            uuid_of(self.market.ticker, self.market.key, place),
            self.market,
            moment,
            trade_count(stirred),
            price if price is not None else 5_000,
            is_yes,
            is_block=stirred >> 54 == 0,
        )

    def between(self, after_us: int, upto_us: int) -> Iterator[Trade]:
        """Trades in (after, upto], oldest first."""
        for place in range(self.index(after_us), self.index(upto_us)):
            yield self.trade(place)


def trade_count(stirred: int) -> int:
    whole = 1 + (stirred >> 19 & 0xFF) ** 3 // 60_000
    return whole * 100 + ((stirred >> 42) % 100 if stirred >> 40 & 3 == 0 else 0)
