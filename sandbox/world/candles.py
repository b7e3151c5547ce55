"""Candlesticks: quotes at the ends of a period and at its trades, prices and volume from the trades."""

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.world.model import Market
from sandbox.world.prices import base_quote
from sandbox.world.tape import Trade


@dataclass(frozen=True, slots=True)
class Ohlc:
    open_cc: int
    low_cc: int
    high_cc: int
    close_cc: int


@dataclass(frozen=True, slots=True)
class Candle:
    """`price` is None when nothing traded; `previous_cc` is the last price before the period."""

    end_s: int
    bid: Ohlc
    ask: Ohlc
    price: Ohlc | None
    mean_cc: int | None
    previous_cc: int | None
    volume_h: int
    total_volume_h: int


def ohlc(values: Sequence[int]) -> Ohlc:
    return Ohlc(values[0], min(values), max(values), values[-1])


def quotes_at(market: Market, at_s: int) -> tuple[int, int]:
    """YES bid and ask with an empty side as 0 and 1 dollar; the ends of trading count as its first and last second."""
    inside = min(max(at_s, market.timing.open_s), market.timing.close_s - 1)
    quote = base_quote(market, inside)
    return quote.bid_cc or 0, 10_000 if quote.ask_cc is None else quote.ask_cc


def candle_ends(market: Market, start_s: int, end_s: int, now_s: int, period_s: int) -> range:
    """Ends of the periods in [start, end] that touch the market's trading up to now."""
    first = max(start_s, market.timing.open_s + 1)
    last = min(end_s, -(-min(now_s, market.timing.close_s) // period_s) * period_s)
    return range(-(-first // period_s) * period_s, last + 1, period_s)


def candlesticks(
    market: Market,
    ends: range,
    now_s: int,
    *,
    trades: Sequence[Trade],
    before: Trade | None,
    volume_before_h: int,
) -> list[Candle]:
    """One candle for each end; `trades` are the whole span's, oldest first, `before` the last one ahead of it."""
    candles = []
    previous = before.yes_price_cc if before else None
    total = volume_before_h
    place = 0
    for end_s in ends:
        inside = []
        while place < len(trades) and trades[place].at_us <= end_s * 1_000_000:
            inside.append(trades[place])
            place += 1
        moments = [end_s - ends.step, *(trade.at_us // 1_000_000 for trade in inside), min(end_s, now_s)]
        bids, asks = zip(*(quotes_at(market, moment) for moment in moments), strict=True)
        prices = [trade.yes_price_cc for trade in inside]
        volume = sum(trade.count_h for trade in inside)
        mean = sum(trade.yes_price_cc * trade.count_h for trade in inside) // volume if volume else None
        total += volume
        price = ohlc(prices) if prices else None
        candles.append(Candle(end_s, ohlc(bids), ohlc(asks), price, mean, previous, volume, total))
        previous = prices[-1] if prices else previous
    return candles
