"""The table of operations: path, parameters, signature, cost and handler; and finding one for a path.

A new operation is one more row. A test compares the rows with `reference/kalshi-api/rest`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.budget import COSTS, DEFAULT_COST
from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.handlers import (
    account,
    candles,
    cash_flows,
    events,
    exchange,
    historical,
    markets,
    portfolio,
    positions,
    trades,
)
from sandbox.params import Args, Param

PREFIX = "/trade-api/v2"
Handler = Callable[[View, Args], Body]


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` has `{name}` segments and no prefix; `signed` demands a signature."""

    path: str
    handler: Handler
    signed: bool
    params: tuple[Param, ...] = ()

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def operation_id(self) -> str:
        return "".join(word.title() for word in self.name.split("_"))

    @property
    def cost(self) -> int:
        return COSTS.get(self.path, DEFAULT_COST)


def number(
    name: str, minimum: int | None = None, maximum: int | None = None, default: int | None = None
) -> Param:
    return Param(name, "integer", default=default, minimum=minimum, maximum=maximum)


def limit(minimum: int, maximum: int, default: int = 100) -> tuple[Param, Param]:
    return Param("limit", "integer", default=default, minimum=minimum, maximum=maximum), Param("cursor")


def flag(name: str) -> Param:
    return Param(name, "boolean", default=False)


def texts(*names: str) -> tuple[Param, ...]:
    return tuple(Param(name) for name in names)


def listed(name: str, most: int | None = None) -> Param:
    return Param(name, items="comma", max_items=most)


def numbers(*names: str) -> tuple[Param, ...]:
    return tuple(number(name) for name in names)


TIMES = numbers("min_ts", "max_ts")
SUBACCOUNT = number("subaccount")
SUBACCOUNT_0 = number("subaccount", default=0)
SHARD = number("exchange_index", minimum=0)
NESTED = flag("with_nested_markets")
COUNT_FILTER = Param("count_filter", items="comma", choices=("position", "total_traded"))
SETTLEMENT_STATUS = Param("settlement_status", default="unsettled", choices=("unsettled", "settled", "all"))
ORDER_STATUS = Param("status", choices=("resting", "canceled", "executed"))
MARKET_STATUS = Param("status", choices=("unopened", "open", "paused", "closed", "settled"))
EVENT_STATUS = Param("status", choices=("unopened", "open", "closed", "settled"))
MARKET_TIMES = numbers(
    *(f"{end}_{family}_ts" for family in ("created", "updated", "close", "settled") for end in ("min", "max"))
)
SPAN = (Param("start_ts", "integer", required=True), Param("end_ts", "integer", required=True))
PERIOD = Param("period_interval", "integer", required=True, choices=(1, 60, 1440))
ANY_PERIOD = Param("period_interval", "integer", required=True, minimum=1)
LATEST = flag("include_latest_before_start")
BATCH_TICKERS = Param("market_tickers", items="comma", max_items=100, required=True)
BOOK_TICKERS = Param("tickers", items="repeat", max_items=100, required=True)
DEPTH = number("depth", 0, 100, default=0)
BLOCK = Param("is_block_trade", "boolean")
SERIES_FLAGS = (flag("include_product_metadata"), flag("include_volume"))

PUBLIC, SIGNED = False, True
OPERATIONS = (
    Operation("/exchange/status", exchange.get_exchange_status, PUBLIC),
    Operation("/exchange/schedule", exchange.get_exchange_schedule, PUBLIC),
    Operation("/exchange/user_data_timestamp", exchange.get_user_data_timestamp, PUBLIC),
    Operation("/account/limits", account.get_account_api_limits, SIGNED),
    Operation("/account/endpoint_costs", account.get_account_endpoint_costs, PUBLIC),
    Operation(
        "/account/api_usage_level/volume_progress", account.get_account_api_usage_level_volume_progress, SIGNED
    ),
    Operation("/api_keys", account.get_api_keys, SIGNED, texts("fcm_subtrader_id")),
    Operation("/portfolio/balance", portfolio.get_balance, SIGNED, (SUBACCOUNT_0, number("exchange_index"))),
    Operation("/portfolio/positions", positions.get_positions, SIGNED,
              (*limit(1, 1000), COUNT_FILTER, SETTLEMENT_STATUS, *texts("ticker", "event_ticker"), SUBACCOUNT_0,
               SHARD)),
    Operation("/portfolio/orders", portfolio.get_orders, SIGNED,
              (*limit(1, 1000), ORDER_STATUS, Param("ticker"), listed("event_ticker", 10), *TIMES, SUBACCOUNT, SHARD)),
    Operation("/portfolio/orders/{order_id}", portfolio.get_order, SIGNED),
    Operation("/portfolio/fills", portfolio.get_fills, SIGNED,
              (*limit(1, 1000), listed("ticker", 100), Param("order_id"), *TIMES, SUBACCOUNT, SHARD)),
    Operation("/portfolio/settlements", cash_flows.get_settlements, SIGNED,
              (*limit(1, 1000), *texts("ticker", "event_ticker"), *TIMES, SUBACCOUNT)),
    Operation("/portfolio/deposits", cash_flows.get_deposits, SIGNED, limit(1, 500)),
    Operation("/portfolio/withdrawals", cash_flows.get_withdrawals, SIGNED, limit(1, 500)),
    Operation("/markets", markets.get_markets, PUBLIC,
              (*limit(0, 1000), MARKET_STATUS, *texts("event_ticker", "series_ticker"), listed("tickers"),
               *MARKET_TIMES, Param("mve_filter", choices=("only", "exclude")))),
    Operation("/markets/orderbooks", markets.get_market_orderbooks, PUBLIC, (BOOK_TICKERS,)),
    Operation("/markets/trades", trades.get_trades, PUBLIC, (*limit(0, 1000), Param("ticker"), *TIMES, BLOCK)),
    Operation("/markets/candlesticks", candles.batch_get_market_candlesticks, PUBLIC,
              (BATCH_TICKERS, *SPAN, ANY_PERIOD, LATEST)),
    Operation("/markets/{ticker}", markets.get_market, PUBLIC),
    Operation("/markets/{ticker}/orderbook", markets.get_market_orderbook, PUBLIC, (DEPTH,)),
    Operation("/series/{series_ticker}/markets/{ticker}/candlesticks", candles.get_market_candlesticks, PUBLIC,
              (*SPAN, PERIOD, LATEST)),
    Operation("/series/{series_ticker}/events/{ticker}/candlesticks", candles.get_market_candlesticks_by_event,
              PUBLIC, (*SPAN, PERIOD)),
    Operation("/events", events.get_events, PUBLIC,
              (*limit(1, 200, 200), NESTED, flag("with_milestones"), EVENT_STATUS, Param("series_ticker"),
               listed("tickers"), *numbers("min_close_ts", "min_updated_ts"))),
    Operation("/events/multivariate", events.get_multivariate_events, PUBLIC,
              (*limit(1, 200), *texts("series_ticker", "collection_ticker"), NESTED)),
    Operation("/events/{event_ticker}", events.get_event, PUBLIC, (NESTED,)),
    Operation("/events/{event_ticker}/metadata", events.get_event_metadata, PUBLIC),
    Operation("/series", events.get_series_list, PUBLIC,
              (Param("category"), listed("tags"), *SERIES_FLAGS, number("min_updated_ts"))),
    Operation("/series/{series_ticker}", events.get_series, PUBLIC, (flag("include_volume"),)),
    Operation("/historical/cutoff", historical.get_historical_cutoff, PUBLIC),
    Operation("/historical/markets", historical.get_historical_markets, PUBLIC,
              (*limit(0, 1000), listed("tickers"), *texts("event_ticker", "series_ticker"),
               Param("mve_filter", choices=("exclude",)))),
    Operation("/historical/markets/{ticker}", historical.get_historical_market, PUBLIC),
    Operation("/historical/markets/{ticker}/candlesticks", candles.get_market_candlesticks_historical, PUBLIC,
              (*SPAN, PERIOD)),
    Operation("/historical/trades", trades.get_trades_historical, PUBLIC,
              (*limit(0, 1000), Param("ticker"), *TIMES, BLOCK)),
    Operation("/historical/fills", portfolio.get_fills_historical, SIGNED,
              (*limit(1, 1000), Param("ticker"), *TIMES, SUBACCOUNT)),
    Operation("/historical/orders", portfolio.get_historical_orders, SIGNED,
              (*limit(1, 1000), Param("ticker"), *TIMES, SUBACCOUNT)),
    Operation("/historical/positions", positions.get_historical_positions, SIGNED,
              (*limit(1, 1000), *texts("ticker", "event_ticker"), SUBACCOUNT_0)),
)  # fmt: skip
BY_NAME: Mapping[str, Operation] = {operation.name: operation for operation in OPERATIONS}


def find(raw_path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation of a path as sent (with the prefix) and its decoded path values; fixed words come first."""
    if not raw_path.startswith(f"{PREFIX}/"):
        return None
    segments = [unquote(segment) for segment in raw_path[len(PREFIX) + 1 :].split("/")]
    matches = [
        (operation, values)
        for operation in OPERATIONS
        if (values := fill(operation.path[1:].split("/"), segments)) is not None
    ]
    return min(matches, key=lambda match: len(match[1]), default=None)


def fill(template: list[str], segments: list[str]) -> dict[str, str] | None:
    """Values of the template's placeholders, None where the path does not fit."""
    if len(template) != len(segments):
        return None
    values = {}
    for part, segment in zip(template, segments, strict=True):
        if part.startswith("{") and segment:
            values[part[1:-1]] = segment
        elif part != segment:
            return None
    return values
