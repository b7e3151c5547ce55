"""Public trades, live and archived: the same list on either side of the cutoff."""

from collections.abc import Iterable

from sandbox.errors import Body
from sandbox.exchange import View, trade_order
from sandbox.fixed import count, dollars, iso_us
from sandbox.paging import decode, page
from sandbox.params import Args
from sandbox.world.tape import Trade

SECOND_US = 1_000_000


def get_trades(view: View, args: Args) -> Body:
    return trades_page(view, args, "trades", view.cutoff_s * SECOND_US - 1, view.now_us)


def get_trades_historical(view: View, args: Args) -> Body:
    opening_us = view.universe.first_day * 86_400 * SECOND_US
    return trades_page(view, args, "old trades", opening_us, view.cutoff_s * SECOND_US - 1)


def trades_page(view: View, args: Args, scope: str, after_us: int, upto_us: int) -> Body:
    """Newest first; `min_ts` and `max_ts` are inclusive seconds."""
    low, high = args.number("min_ts"), args.number("max_ts")
    if low is not None:
        after_us = max(after_us, low * SECOND_US - 1)
    if high is not None:
        upto_us = min(upto_us, high * SECOND_US + SECOND_US - 1)
    reached = decode(scope, args.text("cursor"))
    if reached is not None and isinstance(reached[0], int):
        upto_us = min(upto_us, -reached[0])
    block = args.values.get("is_block_trade")
    trades = (
        trade
        for trade in walk(view, args.text("ticker"), after_us, upto_us)
        if block in {None, trade.is_block}
    )
    found, cursor = page(scope, trades, trade_order, args.text("cursor"), args.integer("limit") or 100)
    return {"trades": [trade_body(trade) for trade in found], "cursor": cursor}


def walk(view: View, ticker: str | None, after_us: int, upto_us: int) -> Iterable[Trade]:
    if ticker is None:
        return view.all_trades(after_us, upto_us)
    market = view.market(ticker)
    if market is None:
        return ()
    return sorted(view.trades(market, after_us, min(upto_us, view.now_us)), key=trade_order)


def trade_body(trade: Trade) -> Body:
    outcome = "yes" if trade.taker_is_yes else "no"
    return {
        "trade_id": trade.trade_id,
        "ticker": trade.market.ticker,
        "count_fp": count(trade.count_h),
        "yes_price_dollars": dollars(trade.yes_price_cc),
        "no_price_dollars": dollars(10_000 - trade.yes_price_cc),
        "taker_side": outcome,
        "taker_outcome_side": outcome,
        "taker_book_side": "bid" if trade.taker_is_yes else "ask",
        "created_time": iso_us(trade.at_us),
        "is_block_trade": trade.is_block,
    }
