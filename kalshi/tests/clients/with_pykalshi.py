"""pykalshi reads all that the sandbox has, and is refused what nobody may have."""

from __future__ import annotations

from typing import Any

from pykalshi import Action, CandlestickPeriod, MarketStatus, OrderStatus, Side
from report import NAMES, PLAN, client, late_clock, read, refuse, write


def reads(kalshi: Any) -> None:
    ticker, old, span = NAMES["ticker"], NAMES["old"], (NAMES["day_ago"], NAMES["now"])
    event, series, order = NAMES["event_ticker"], NAMES["series_ticker"], NAMES["order_id"]
    group, collection = NAMES["order_group_id"], NAMES["collection_ticker"]
    candles = f"?start_ts={span[0]}&end_ts={span[1]}&period_interval=60"
    read("/exchange/status", kalshi.exchange.get_status())
    read("/exchange/schedule", kalshi.exchange.get_schedule())
    read("/account/limits", kalshi.api_keys.get_limits())

    read("/events?limit=7&status=open", kalshi.get_events(limit=7, status=MarketStatus.OPEN))
    read(f"/events/{event}?with_nested_markets=true", kalshi.get_event(event, with_nested_markets=True))
    read(f"/series/{series}", kalshi.get_series(series))
    read("/series", kalshi.get_all_series())
    read("/markets?limit=9&status=open", kalshi.get_markets(limit=9, status=MarketStatus.OPEN))
    market = kalshi.get_market(ticker)
    read(f"/markets/{ticker}", market)
    read(f"/markets/{ticker}/orderbook?depth=5", market.get_orderbook(depth=5).orderbook)
    read(f"/markets/trades?limit=20&ticker={ticker}", market.get_trades(limit=20))
    read(f"/series/{series}/markets/{ticker}/candlesticks{candles}", market.get_candlesticks(*span))
    batch = kalshi.get_candlesticks_batch([ticker], *span, CandlestickPeriod.ONE_HOUR)
    read(f"/markets/candlesticks{candles}&market_tickers={ticker}", list(batch.values()))
    read("/multivariate_event_collections", kalshi.get_mve_collections())
    read(f"/multivariate_event_collections/{collection}", kalshi.get_mve_collection(collection))
    read("/events/multivariate?limit=200", kalshi.get_multivariate_events())

    mine = kalshi.portfolio
    read("/portfolio/balance", mine.get_balance())
    read("/portfolio/positions?limit=100", mine.get_positions())
    read("/portfolio/orders?limit=100&status=resting", mine.get_orders(status=OrderStatus.RESTING))
    read(f"/portfolio/orders/{order}", mine.get_order(order))
    read(f"/portfolio/orders/{order}/queue_position", mine.get_queue_position(order))
    read(
        f"/portfolio/orders/queue_positions?event_ticker={event}",
        mine.get_queue_positions(event_ticker=event),
    )
    read("/portfolio/fills?limit=100", mine.get_fills())
    read("/portfolio/fills?limit=all", mine.get_fills(limit=60, fetch_all=True))
    read("/portfolio/settlements?limit=100", mine.get_settlements())
    read("/portfolio/order_groups", mine.get_order_groups())
    read(f"/portfolio/order_groups/{group}", mine.get_order_group(group))
    read("/portfolio/subaccounts/balances", mine.get_subaccount_balances())
    read("/portfolio/subaccounts/netting", mine.get_subaccount_netting())
    read("/portfolio/subaccounts/transfers?limit=100", mine.get_subaccount_transfers())

    past = kalshi.history
    old_span = f"?start_ts={NAMES['old_open']}&end_ts={NAMES['old_close']}&period_interval=1440"
    read("/historical/cutoff", past.get_cutoff())
    read("/historical/markets?limit=5", past.get_markets(limit=5))
    read(f"/historical/markets/{old}", past.get_market(old))
    days = past.get_candlesticks(
        old, start_ts=NAMES["old_open"], end_ts=NAMES["old_close"], period=CandlestickPeriod.ONE_DAY
    )
    read(f"/historical/markets/{old}/candlesticks{old_span}", days)
    read("/historical/fills?limit=100", past.get_fills())
    read("/historical/orders?limit=100", past.get_orders())
    read("/historical/trades?limit=100", past.get_trades())


def once(key: str = "rsa") -> Any:
    """A client that gives up at the first refusal."""
    made = client(key)
    made.max_retries = 0
    return made


def refusals() -> None:
    kalshi = once()
    refuse("unknown_key", once("unknown").portfolio.get_balance)
    refuse("wrong_key", once("wrong").portfolio.get_balance)
    refuse("narrow_key", once("narrow").portfolio.get_balance)
    refuse("bad_question", lambda: kalshi.get_markets(limit=5000))
    refuse("unknown_market", lambda: kalshi.get_market("KX-NOPE"))
    refuse("unknown_path", kalshi.api_keys.list)
    order = {"count_fp": "1.00", "yes_price_dollars": "0.05"}
    refuse("write", lambda: kalshi.portfolio.place_order(NAMES["ticker"], Action.BUY, Side.YES, **order))
    refuse("cancel", lambda: kalshi.portfolio.cancel_order(NAMES["order_id"]))
    slow = once("slow")
    refuse("too_fast", lambda: [slow.exchange.get_status() for _ in range(10)])
    refuse("rejected_upstream", lambda: kalshi.portfolio.get_settlements(limit=7))
    late_clock()
    refuse("late_clock", kalshi.portfolio.get_balance)


if __name__ == "__main__":
    match PLAN["phase"]:
        case "reads":
            reads(client())
        case "refusals":
            refusals()
        case "outage":
            refuse("outage", lambda: once().portfolio.get_fills(limit=7))
    write()
