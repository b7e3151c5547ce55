"""Declarations of parameters that several operations share."""

from sandbox.params import Param


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
PLAYER_STATS = flag("include_player_stats")
FORECAST_PERIOD = Param("period_interval", "integer", required=True, choices=(0, 1, 60, 1440))
COLLECTION_STATUS = Param("status", choices=("unopened", "open", "closed"))
INCENTIVE_STATUS = Param("status", default="all", choices=("all", "active", "upcoming", "closed", "paid_out"))
INCENTIVE_TYPE = Param(
    "type",
    default="all",
    choices=("all", "liquidity", "volume", "margin_maker_volume", "margin_taker_volume"),
)
