"""Kalshi's response bodies, as far as we read them. A test compares the keys with the reference schemas.

Optional keys are NotRequired and may be null. Texts ending in `_dollars` and `_fp` are read with
`fields.dollars` and `fields.count`. Numbers that may have a fraction are `int | str`: a fraction comes as its text.
Bodies are passed on as received; nothing validates live traffic against these types.
"""

from typing import Any, NotRequired, TypedDict


class IndexedBalance(TypedDict):
    """Cash on one exchange shard; `balance` in dollars."""

    exchange_index: int
    balance: str


class GetBalanceResponse(TypedDict):
    """get_balance. `balance` and `portfolio_value` in cents, `updated_ts` in Unix seconds."""

    balance: int
    balance_dollars: str
    portfolio_value: int
    updated_ts: int
    balance_breakdown: NotRequired[list[IndexedBalance] | None]


class MarketPosition(TypedDict):
    """One market's position: `position_fp` above 0 is YES contracts, below 0 NO."""

    ticker: str
    exchange_index: int
    total_traded_dollars: str
    position_fp: str
    market_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    last_updated_ts: str


class EventPosition(TypedDict):
    """One event's positions together."""

    event_ticker: str
    total_cost_dollars: str
    total_cost_shares_fp: str
    event_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str


class GetPositionsResponse(TypedDict):
    """get_positions; one cursor for both lists."""

    market_positions: list[MarketPosition]
    event_positions: list[EventPosition]
    cursor: NotRequired[str | None]


class Order(TypedDict):
    """One order. Direction: `outcome_side` and `book_side`; never read the legacy `side`, `action`."""

    order_id: str
    user_id: str
    client_order_id: str
    ticker: str
    side: NotRequired[str | None]
    action: NotRequired[str | None]
    outcome_side: str
    book_side: str
    type: str
    status: str
    yes_price_dollars: str
    no_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    expiration_time: NotRequired[str | None]
    created_time: NotRequired[str | None]
    last_update_time: NotRequired[str | None]
    self_trade_prevention_type: NotRequired[str | None]
    order_group_id: NotRequired[str | None]
    cancel_order_on_pause: NotRequired[bool | None]
    subaccount_number: NotRequired[int | None]
    exchange_index: NotRequired[int | None]


class GetOrdersResponse(TypedDict):
    """get_orders."""

    orders: list[Order]
    cursor: str


class MveSelectedLeg(TypedDict):
    """One leg of a combo market."""

    event_ticker: NotRequired[str | None]
    market_ticker: NotRequired[str | None]
    side: NotRequired[str | None]
    yes_settlement_value_dollars: NotRequired[str | None]


class PriceRange(TypedDict):
    """Part of a market's price grid, in dollars."""

    start: str
    end: str
    step: str


class Market(TypedDict):
    """One market. No quote: `yes_bid_dollars` "0.0000", `yes_ask_dollars` "1.0000"."""

    ticker: str
    event_ticker: str
    market_type: str
    title: NotRequired[str | None]
    subtitle: NotRequired[str | None]
    yes_sub_title: str
    no_sub_title: str
    created_time: str
    updated_time: str
    open_time: str
    close_time: str
    expected_expiration_time: NotRequired[str | None]
    expiration_time: NotRequired[str | None]
    latest_expiration_time: str
    settlement_timer_seconds: int
    status: str
    yes_bid_dollars: str
    yes_bid_size_fp: str
    yes_ask_dollars: str
    yes_ask_size_fp: str
    no_bid_dollars: str
    no_ask_dollars: str
    last_price_dollars: str
    volume_fp: str
    volume_24h_fp: str
    result: str
    can_close_early: bool
    open_interest_fp: str
    notional_value_dollars: str
    previous_yes_bid_dollars: str
    previous_yes_ask_dollars: str
    previous_price_dollars: str
    settlement_value_dollars: NotRequired[str | None]
    settlement_ts: NotRequired[str | None]
    settlement_bounds_type: str
    settlement_floor_dollars: NotRequired[str | None]
    expiration_value: str
    occurrence_datetime: NotRequired[str | None]
    fee_waiver_expiration_time: NotRequired[str | None]
    early_close_condition: NotRequired[str | None]
    strike_type: NotRequired[str | None]
    floor_strike: NotRequired[int | str | None]
    cap_strike: NotRequired[int | str | None]
    functional_strike: NotRequired[str | None]
    custom_strike: NotRequired[dict[str, Any] | None]
    rules_primary: str
    rules_secondary: str
    mve_collection_ticker: NotRequired[str | None]
    mve_selected_legs: NotRequired[list[MveSelectedLeg] | None]
    primary_participant_key: NotRequired[str | None]
    price_level_structure: str
    price_ranges: list[PriceRange]
    is_provisional: NotRequired[bool | None]
    exchange_index: NotRequired[int | None]


class GetMarketResponse(TypedDict):
    """get_market."""

    market: Market


class SettlementSource(TypedDict):
    """Where an event's result is read."""

    name: NotRequired[str | None]
    url: NotRequired[str | None]


class Event(TypedDict):
    """One event; `markets` only when nested markets were asked for."""

    event_ticker: str
    series_ticker: str
    sub_title: str
    title: str
    collateral_return_type: str
    mutually_exclusive: bool
    category: NotRequired[str | None]
    strike_date: NotRequired[str | None]
    strike_period: NotRequired[str | None]
    markets: NotRequired[list[Market] | None]
    product_metadata: NotRequired[dict[str, Any] | None]
    settlement_sources: list[SettlementSource] | None
    last_updated_ts: NotRequired[str | None]
    fee_type_override: NotRequired[str | None]
    fee_multiplier_override: NotRequired[int | str | None]
    exchange_index: NotRequired[int | None]


class GetEventsResponse(TypedDict):
    """get_events."""

    events: list[Event]
    milestones: NotRequired[list[dict[str, Any]] | None]
    cursor: str


class ExchangeIndexStatus(TypedDict):
    """One exchange shard's state."""

    exchange_index: int
    description: str
    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool


class ExchangeStatus(TypedDict):
    """get_exchange_status; also the body of its 500, 503 and 504. Top-level flags describe shard 0."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: NotRequired[bool | None]
    exchange_estimated_resume_time: NotRequired[str | None]
    exchange_index_statuses: NotRequired[list[ExchangeIndexStatus] | None]


class BucketLimit(TypedDict):
    """A token bucket: tokens per second and at most."""

    refill_rate: int
    bucket_capacity: int


class UsageLevelGrant(TypedDict):
    """Why the account has its tier; `expires_ts` in Unix seconds."""

    exchange_instance: str
    level: str
    source: str
    expires_ts: NotRequired[int | None]


class GetAccountApiLimitsResponse(TypedDict):
    """get_account_api_limits."""

    usage_tier: str
    read: BucketLimit
    write: BucketLimit
    grants: list[UsageLevelGrant]


class EndpointCost(TypedDict):
    """What one route costs; `path` is a pattern with the /trade-api/v2 prefix and `:name` placeholders."""

    method: str
    path: str
    cost: int


class GetAccountEndpointCostsResponse(TypedDict):
    """get_account_endpoint_costs: deviations from the default only."""

    default_cost: int
    endpoint_costs: list[EndpointCost]
