"""Candlesticks of one market, of several, of an event, and of the archive with its other field names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.errors import Body, bad_request, not_found
from sandbox.exchange import View
from sandbox.fixed import count, dollars
from sandbox.handlers.markets import in_order, live
from sandbox.params import Args
from sandbox.world.candles import Candle, Ohlc, candle_ends, candlesticks
from sandbox.world.model import Market

MOST_CANDLES = 5_000
MOST_BATCH_CANDLES = 10_000
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """What was asked for, in seconds; `most` candles at most (ApiError 400 beyond)."""

    period_s: int
    start_s: int
    end_s: int

    def check(self, most: int) -> None:
        if (self.end_s - self.start_s) // self.period_s > most:
            raise bad_request(f"too many candlesticks requested, at most {most} allowed")


def get_market_candlesticks(view: View, args: Args) -> Body:
    market = live(view, args.path("ticker"))
    if market.event.series.ticker != args.path("series_ticker"):
        raise not_found()
    span = span_of(args)
    span.check(MOST_CANDLES)
    return {
        "ticker": market.ticker,
        "candlesticks": live_candles(view, market, args, span),
    }


def batch_get_market_candlesticks(view: View, args: Args) -> Body:
    """Unknown tickers are left out."""
    span = span_of(args)
    markets = [market for ticker in args.words("market_tickers") if (market := view.live_market(ticker))]
    span.check(MOST_BATCH_CANDLES // max(1, len(markets)))
    rows = [
        {
            "market_ticker": market.ticker,
            "candlesticks": live_candles(view, market, args, span),
        }
        for market in markets
    ]
    return {"markets": rows}


def get_market_candlesticks_by_event(view: View, args: Args) -> Body:
    """At most MOST_CANDLES in all: a longer span is cut and `adjusted_end_ts` says where."""
    event = view.event(args.path("ticker"))
    if event is None or event.series.ticker != args.path("series_ticker"):
        raise not_found()
    span = span_of(args)
    markets = [] if view.archived(event) else in_order(event)
    longest_s = MOST_CANDLES // max(1, len(markets)) * span.period_s
    span = replace(span, end_s=min(span.end_s, span.start_s + longest_s))
    return {
        "market_tickers": [market.ticker for market in markets],
        "market_candlesticks": [live_candles(view, market, args, span) for market in markets],
        "adjusted_end_ts": span.end_s,
    }


def get_market_candlesticks_historical(view: View, args: Args) -> Body:
    market = view.market(args.path("ticker"))
    if market is None or not view.archived(market.event):
        raise not_found()
    span = span_of(args)
    span.check(MOST_CANDLES)
    candles = make(view, market, candle_ends(market, span.start_s, span.end_s, view.now_s, span.period_s))
    return {"ticker": market.ticker, "candlesticks": [old_candle(candle) for candle in candles]}


def span_of(args: Args) -> Span:
    span = Span(args.integer("period_interval") * 60, args.integer("start_ts"), args.integer("end_ts"))
    if span.start_s > span.end_s:
        raise bad_request("start_ts must not be after end_ts")
    return span


def make(view: View, market: Market, ends: range) -> list[Candle]:
    if not ends:
        return []
    first_us = (ends[0] - ends.step) * SECOND_US
    trades = view.trades(market, first_us, min(ends[-1] * SECOND_US, view.now_us))
    before = view.last_trade(market, first_us)
    return candlesticks(
        market,
        ends,
        view.now_s,
        trades=trades,
        before=before,
        volume_before_h=view.volume_h(market, first_us),
    )


def live_candles(view: View, market: Market, args: Args, span: Span) -> list[Body]:
    candles = make(view, market, candle_ends(market, span.start_s, span.end_s, view.now_s, span.period_s))
    bodies = [candle_body(candle) for candle in candles]
    if args.flag("include_latest_before_start") and candles:
        bodies.insert(0, latest_before(view, market, candles[0], span.period_s))
    return bodies


def latest_before(view: View, market: Market, first: Candle, period_s: int) -> Body:
    """A synthetic candle ahead of the first one: no prices but the previous."""
    at_s = first.end_s - period_s
    bid, ask = first.bid.open_cc, first.ask.open_cc
    total = view.volume_h(market, at_s * SECOND_US)
    empty = Candle(at_s, flat(bid), flat(ask), None, None, first.previous_cc, 0, total)
    body = candle_body(empty)
    body["price"] = (
        dict.fromkeys(("open_dollars", "low_dollars", "high_dollars", "close_dollars")) | body["price"]
    )
    return body


def flat(price_cc: int) -> Ohlc:
    return Ohlc(price_cc, price_cc, price_cc, price_cc)


def ohlc_body(values: Ohlc, suffix: str) -> Body:
    return {
        f"open{suffix}": dollars(values.open_cc),
        f"low{suffix}": dollars(values.low_cc),
        f"high{suffix}": dollars(values.high_cc),
        f"close{suffix}": dollars(values.close_cc),
    }


def candle_body(candle: Candle) -> Body:
    """Without a trade the price has nothing but `previous_dollars`, and not even that before the first one."""
    price: Body = ohlc_body(candle.price, "_dollars") if candle.price else {}
    if candle.mean_cc is not None:
        price["mean_dollars"] = dollars(candle.mean_cc)
    if candle.previous_cc is not None:
        price["previous_dollars"] = dollars(candle.previous_cc)
    return {
        "end_period_ts": candle.end_s,
        "yes_bid": ohlc_body(candle.bid, "_dollars"),
        "yes_ask": ohlc_body(candle.ask, "_dollars"),
        "price": price,
        "volume_fp": count(candle.volume_h),
        "open_interest_fp": count(candle.total_volume_h * 45 // 100),
    }


def old_candle(candle: Candle) -> Body:
    """The archive's names, with null where nothing traded."""
    names: Sequence[str] = ("open", "low", "high", "close")
    price: Body = ohlc_body(candle.price, "") if candle.price else dict.fromkeys(names)
    price["mean"] = None if candle.mean_cc is None else dollars(candle.mean_cc)
    price["previous"] = None if candle.previous_cc is None else dollars(candle.previous_cc)
    return {
        "end_period_ts": candle.end_s,
        "yes_bid": ohlc_body(candle.bid, ""),
        "yes_ask": ohlc_body(candle.ask, ""),
        "price": price,
        "volume": count(candle.volume_h),
        "open_interest": count(candle.total_volume_h * 45 // 100),
    }
