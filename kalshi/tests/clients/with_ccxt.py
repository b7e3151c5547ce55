"""ccxt's Kalshi venue reads all that the sandbox has, and is refused what nobody may have."""

from __future__ import annotations

import asyncio
from typing import Any

from report import NAMES, PLAN, client, late_clock, read, refuse_awaited, write


async def reads(kalshi: Any) -> None:
    """`info` is what ccxt was sent, beside its own reading of it."""
    ticker, event, series, order = (
        NAMES[name] for name in ("ticker", "event_ticker", "series_ticker", "order_id")
    )
    since_ms = NAMES["day_ago"] * 1000
    read("/exchange/status", (await kalshi.fetch_status())["info"])
    markets = await kalshi.fetch_markets({"limit": 9})
    read("/markets?limit=9&status=open", [market["info"] for market in markets])
    events = await kalshi.fetch_events({"series_ticker": series, "limit": 3})
    path = f"/events?series_ticker={series}&status=open&with_nested_markets=true&limit=3"
    read(path, [found["info"] for found in events])
    read(f"/events/{event}?with_nested_markets=true", (await kalshi.fetch_event(event))["info"])
    read(f"/markets/{ticker}", (await kalshi.fetch_ticker(ticker))["info"])
    book = await kalshi.fetch_order_book(ticker)
    levels = [[f"{price:.4f}", f"{size:.2f}"] for price, size in reversed(book["bids"])]
    read(f"/markets/{ticker}/orderbook", {"yes_dollars": levels})
    trades = await kalshi.fetch_trades(ticker, limit=20)
    read(f"/markets/trades?limit=20&ticker={ticker}", newest_first(trades))
    candles = await kalshi.fetch_ohlcv(ticker, "1h", since_ms, 24)
    path = f"/series/{series}/markets/{ticker}/candlesticks"
    path += f"?start_ts={NAMES['day_ago']}&end_ts={NAMES['now']}&period_interval=60"
    read(path, [{"end_period_ts": row[0] // 1000 + 3600, "volume_fp": row[5]} for row in candles])

    read("/portfolio/balance", (await kalshi.fetch_balance())["info"])
    read("/portfolio/positions", [row["info"] for row in await kalshi.fetch_positions()])
    resting = await kalshi.fetch_open_orders(limit=100)
    read("/portfolio/orders?limit=100&status=resting", newest_first(resting))
    read("/portfolio/orders?limit=100", newest_first(await kalshi.fetch_orders(limit=100)))
    read(f"/portfolio/orders/{order}", (await kalshi.fetch_order(order))["info"])
    read("/portfolio/fills?limit=100", newest_first(await kalshi.fetch_my_trades(limit=100)))
    read("/portfolio/settlements?limit=100", newest_first(await kalshi.fetch_settlements(limit=100)))

    page = await kalshi.kalshiPrivateGetPortfolioFills({"limit": 60})
    fills = page["fills"]
    while page["cursor"]:
        page = await kalshi.kalshiPrivateGetPortfolioFills({"limit": 60, "cursor": page["cursor"]})
        fills += page["fills"]
    read("/portfolio/fills?limit=all", fills)
    read("/historical/markets?limit=5", await kalshi.kalshiPublicGetHistoricalMarkets({"limit": 5}))
    read("/historical/fills?limit=5", await kalshi.kalshiPrivateGetHistoricalFills({"limit": 5}))
    read("/historical/orders?limit=5", await kalshi.kalshiPrivateGetHistoricalOrders({"limit": 5}))


def newest_first(rows: list[dict[str, Any]]) -> list[Any]:
    """ccxt sorts by time, oldest first; Kalshi's lists begin with the newest."""
    return [row["info"] for row in sorted(rows, key=lambda row: -row["timestamp"])]


async def refusals(kalshi: Any) -> None:
    async def with_key(name: str) -> Any:
        """Beside the good token of the recipe, which saves no key."""
        made = client(name)
        try:
            return await made.fetch_balance()
        finally:
            await made.close()

    async def too_fast() -> None:
        slow = client("slow")
        slow.enableRateLimit = False
        try:
            for _ in range(10):
                await slow.fetch_balance()
        finally:
            await slow.close()

    for key in ("unknown", "wrong", "narrow"):
        await refuse_awaited(f"{key}_key", with_key(key))
    await refuse_awaited("bad_question", kalshi.kalshiPublicGetMarkets({"limit": 5000}))
    await refuse_awaited("unknown_market", kalshi.kalshiPublicGetMarketsTicker({"ticker": "KX-NOPE"}))
    await refuse_awaited("unknown_path", kalshi.kalshiPublicGetHistoricalCutoffTimestamps())
    await refuse_awaited("write", kalshi.create_order(NAMES["ticker"], "limit", "buy", 1, 0.05))
    await refuse_awaited("cancel", kalshi.cancel_order(NAMES["order_id"]))
    await refuse_awaited("too_fast", too_fast())
    await refuse_awaited("rejected_upstream", kalshi.kalshiPrivateGetPortfolioSettlements({"limit": 7}))
    late_clock()
    await refuse_awaited("late_clock", with_key("rsa"))


async def main() -> None:
    kalshi = client()
    kalshi.enableRateLimit = False  # its own pace, five requests a second
    try:
        match PLAN["phase"]:
            case "reads":
                await reads(kalshi)
            case "refusals":
                await refusals(kalshi)
            case "outage":
                await refuse_awaited("outage", kalshi.kalshiPrivateGetPortfolioFills({"limit": 7}))
    finally:
        await kalshi.close()
    write()


if __name__ == "__main__":
    asyncio.run(main())
