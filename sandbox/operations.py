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
    combos,
    events,
    exchange,
    fee_changes,
    forecasts,
    historical,
    incentives,
    live_data,
    markets,
    milestones,
    portfolio,
    positions,
    resting,
    search,
    subaccounts,
    trades,
    weather,
)
from sandbox.param_shapes import (
    ANY_PERIOD,
    BATCH_TICKERS,
    BLOCK,
    BOOK_TICKERS,
    COLLECTION_STATUS,
    COUNT_FILTER,
    DEPTH,
    EVENT_STATUS,
    FORECAST_PERIOD,
    INCENTIVE_STATUS,
    INCENTIVE_TYPE,
    LATEST,
    MARKET_STATUS,
    MARKET_TIMES,
    NESTED,
    ORDER_STATUS,
    PERIOD,
    PLAYER_STATS,
    SERIES_FLAGS,
    SETTLEMENT_STATUS,
    SHARD,
    SPAN,
    SUBACCOUNT,
    SUBACCOUNT_0,
    TIMES,
    flag,
    limit,
    listed,
    number,
    numbers,
    texts,
)
from sandbox.params import Args, Param

PREFIX = "/trade-api/v2"
SCOPES = {"get_balance": ("read", "read::portfolio_balance")}
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
    def scopes(self) -> tuple[str, ...]:
        """Scopes of which a key needs one, or its parent."""
        return SCOPES.get(self.name, ("read",))

    @property
    def cost(self) -> int:
        return COSTS.get(self.path, DEFAULT_COST)


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
    Operation("/portfolio/orders/queue_positions", resting.get_order_queue_positions, SIGNED,
              (listed("market_tickers"), Param("event_ticker"), SUBACCOUNT_0)),
    Operation("/portfolio/orders/{order_id}/queue_position", resting.get_order_queue_position, SIGNED),
    Operation("/portfolio/order_groups", resting.get_order_groups, SIGNED, (SUBACCOUNT,)),
    Operation("/portfolio/order_groups/{order_group_id}", resting.get_order_group, SIGNED, (SUBACCOUNT,)),
    Operation("/portfolio/summary/total_resting_order_value", resting.get_portfolio_resting_order_total_value,
              SIGNED),
    Operation("/portfolio/subaccounts/balances", subaccounts.get_subaccount_balances, SIGNED),
    Operation("/portfolio/subaccounts/netting", subaccounts.get_subaccount_netting, SIGNED),
    Operation("/portfolio/subaccounts/transfers", subaccounts.get_subaccount_transfers, SIGNED, limit(1, 1000)),
    Operation("/portfolio/intra_exchange_instance_transfers", subaccounts.get_intra_exchange_instance_transfers,
              SIGNED, limit(1, 500)),
    Operation("/portfolio/intra_exchange_instance_transfers/{transfer_id}",
              subaccounts.get_intra_exchange_instance_transfer, SIGNED),
    Operation("/portfolio/target_balance_allocation", subaccounts.get_target_balance_allocation, SIGNED),
    Operation("/events/fee_changes", fee_changes.get_event_fee_changes, PUBLIC,
              (Param("event_ticker"), *limit(1, 1000))),
    Operation("/series/fee_changes", fee_changes.get_series_fee_changes, PUBLIC,
              (Param("series_ticker"), flag("show_historical"))),
    Operation("/series/{series_ticker}/events/{ticker}/forecast_percentile_history",
              forecasts.get_event_forecast_percentiles_history, SIGNED,
              (Param("percentiles", items="repeat", max_items=10, required=True), *SPAN, FORECAST_PERIOD)),
    Operation("/multivariate_event_collections", combos.get_multivariate_event_collections, PUBLIC,
              (COLLECTION_STATUS, *texts("associated_event_ticker", "series_ticker", "cursor"),
               number("limit", 1, 200))),
    Operation("/multivariate_event_collections/{collection_ticker}", combos.get_multivariate_event_collection,
              PUBLIC),
    Operation("/milestones", milestones.get_milestones, PUBLIC,
              (Param("limit", "integer", required=True, minimum=1, maximum=500),
               *texts("minimum_start_date", "category", "competition", "source_id", "type", "related_event_ticker",
                      "cursor"), number("min_updated_ts"))),
    Operation("/milestones/{milestone_id}", milestones.get_milestone, PUBLIC),
    Operation("/live_data/batch", live_data.get_live_datas, PUBLIC,
              (Param("milestone_ids", items="repeat", max_items=100, required=True), PLAYER_STATS)),
    Operation("/live_data/milestone/{milestone_id}", live_data.get_live_data_by_milestone, PUBLIC, (PLAYER_STATS,)),
    Operation("/live_data/milestone/{milestone_id}/game_stats", live_data.get_game_stats, PUBLIC),
    Operation("/live_data/{type}/milestone/{milestone_id}", live_data.get_live_data, PUBLIC, (PLAYER_STATS,)),
    Operation("/live_data/events/{event_ticker}", live_data.get_event_live_data, PUBLIC, texts("range")),
    Operation("/live_data/weather/{city}", weather.get_weather_index, PUBLIC,
              (*numbers("from", "to", "last_sec"), flag("detailed"))),
    Operation("/live_data/weather/{city}/calibrations", weather.get_weather_index_calibrations, PUBLIC),
    Operation("/incentive_programs", incentives.get_incentive_programs, PUBLIC,
              (INCENTIVE_STATUS, INCENTIVE_TYPE, Param("incentive_description"), *limit(1, 10_000))),
    Operation("/structured_targets", search.get_structured_targets, PUBLIC,
              (Param("ids", items="repeat", max_items=2000), *texts("type", "competition", "cursor"),
               number("page_size", 1, 2000, default=100))),
    Operation("/structured_targets/{structured_target_id}", search.get_structured_target, PUBLIC),
    Operation("/search/tags_by_categories", search.get_tags_for_series_categories, PUBLIC),
    Operation("/search/filters_by_sport", search.get_filters_for_sports, PUBLIC),
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
