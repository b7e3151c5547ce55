"""The archive of what the live endpoints no longer show.

One market and its candles never change there and are fresh for a day. The lists grow whenever the cutoff moves; were
they kept longer than the cutoff itself, whoever reads live and archive would lose what moved in between.
"""

from kalshi.upstream.endpoints.model import (
    BLOCK_TRADE,
    CURSOR,
    DAY_S,
    END_TS,
    EVENT_TICKER,
    MAX_TS,
    MIN_TS,
    PERIOD,
    SERIES_TICKER,
    START_TS,
    SUBACCOUNT,
    TICKER,
    TICKER_IN_PATH,
    TICKERS,
    Endpoint,
    Param,
    limit,
)

_CUTOFF_S = 300.0
_WEEK_S = 7 * DAY_S

ROWS = (
    Endpoint(
        operation="get_historical_cutoff",
        path="/historical/cutoff",
        promises="market_settled_ts",
        signed=False,
        params=(),
        fresh_s=_CUTOFF_S,
        name="historical_cutoff",
    ),
    Endpoint(
        operation="get_historical_markets",
        path="/historical/markets",
        promises="markets",
        signed=False,
        params=(
            limit(0, 1000),
            CURSOR,
            TICKERS,
            EVENT_TICKER,
            SERIES_TICKER,
            Param("mve_filter", choices=("exclude",)),
        ),
        fresh_s=_CUTOFF_S,
        name="historical_markets",
    ),
    Endpoint(
        operation="get_historical_market",
        path="/historical/markets/{ticker}",
        promises="market",
        signed=False,
        params=(TICKER_IN_PATH,),
        fresh_s=DAY_S,
        keep_s=_WEEK_S,
        name="historical_market",
    ),
    Endpoint(
        operation="get_market_candlesticks_historical",
        path="/historical/markets/{ticker}/candlesticks",
        promises="candlesticks",
        signed=False,
        params=(TICKER_IN_PATH, START_TS, END_TS, PERIOD),
        fresh_s=DAY_S,
        keep_s=_WEEK_S,
        name="historical_candlesticks",
    ),
    Endpoint(
        operation="get_trades_historical",
        path="/historical/trades",
        promises="trades",
        signed=False,
        params=(TICKER, MIN_TS, MAX_TS, limit(0, 1000), CURSOR, BLOCK_TRADE),
        fresh_s=_CUTOFF_S,
        name="historical_trades",
    ),
    Endpoint(
        operation="get_fills_historical",
        path="/historical/fills",
        promises="fills",
        signed=True,
        params=(TICKER, MIN_TS, MAX_TS, limit(1, 1000), CURSOR, SUBACCOUNT),
        fresh_s=_CUTOFF_S,
        name="historical_fills",
    ),
    Endpoint(
        operation="get_historical_orders",
        path="/historical/orders",
        promises="orders",
        signed=True,
        params=(TICKER, MIN_TS, MAX_TS, limit(1, 1000), CURSOR, SUBACCOUNT),
        fresh_s=_CUTOFF_S,
        name="historical_orders",
    ),
    Endpoint(
        operation="get_historical_positions",
        path="/historical/positions",
        promises="market_positions",
        signed=True,
        params=(TICKER, EVENT_TICKER, SUBACCOUNT, limit(1, 1000), CURSOR),
        fresh_s=_CUTOFF_S,
        name="historical_positions",
    ),
)
