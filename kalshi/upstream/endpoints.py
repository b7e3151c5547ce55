"""The table of upstream operations: the one place that knows what can be asked of Kalshi.

Views, documentation, admin rows and walking tests derive from it; a test compares every row with the
reference of Kalshi's API. Times are in seconds, costs in tokens of the account's read bucket. Pure data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `comma`: a value of at most `max_items` parts; `repeat`: the name may occur that often."""

    name: str
    kind: Literal["string", "integer", "boolean"] = "string"
    where: Literal["query", "path"] = "query"
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    serialization: Literal["plain", "comma", "repeat"] = "plain"
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One upstream operation.

    `path` has no /trade-api/v2. `signed`: Kalshi demands a signature. `fresh_s`, `keep_s` and `patience_s`
    are defaults which the admin may change. `cost` holds until /account/endpoint_costs says otherwise.
    `route` is our path under /api/v1/kalshi/ and `name` the short name in status and admin; both None:
    internal only. `api_defaults` and `api_aliases` hold for our own API only; an alias of None drops the
    parameter.
    """

    operation: str
    path: str
    signed: bool
    params: tuple[Param, ...]
    fresh_s: float
    keep_s: float = DAY_S
    patience_s: float = 1.0
    cost: int = 10
    route: str | None = None
    name: str | None = None
    api_defaults: Mapping[str, str] = field(default_factory=dict)
    api_aliases: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    @property
    def query_params(self) -> tuple[Param, ...]:
        """The parameters that stand in the query string."""
        return tuple(param for param in self.params if param.where == "query")


_CURSOR = Param("cursor")
_TICKER = Param("ticker")
_LIMIT_1000 = Param("limit", "integer", minimum=1, maximum=1000)
_SUBACCOUNT = Param("subaccount", "integer")
_EXCHANGE_INDEX = Param("exchange_index", "integer", minimum=0)

_ROWS = (
    Endpoint(
        operation="get_balance",
        path="/portfolio/balance",
        signed=True,
        params=(_SUBACCOUNT, Param("exchange_index", "integer")),
        fresh_s=60,
        route="balance",
        name="balance",
    ),
    Endpoint(
        operation="get_positions",
        path="/portfolio/positions",
        signed=True,
        params=(
            _CURSOR,
            _LIMIT_1000,
            Param("count_filter", serialization="comma"),
            Param("settlement_status", choices=("unsettled", "settled", "all")),
            _TICKER,
            Param("event_ticker"),
            _SUBACCOUNT,
            _EXCHANGE_INDEX,
        ),
        fresh_s=30,
        route="positions",
        name="positions",
    ),
    Endpoint(
        operation="get_orders",
        path="/portfolio/orders",
        signed=True,
        params=(
            _TICKER,
            Param("event_ticker", serialization="comma", max_items=10),
            Param("min_ts", "integer"),
            Param("max_ts", "integer"),
            Param("status", choices=("resting", "canceled", "executed")),
            _LIMIT_1000,
            _CURSOR,
            _SUBACCOUNT,
            _EXCHANGE_INDEX,
        ),
        fresh_s=30,
        route="orders",
        name="orders",
        api_defaults={"limit": "100"},
        api_aliases={"status": {"open": "resting"}},
    ),
    Endpoint(
        operation="get_events",
        path="/events",
        signed=False,
        params=(
            Param("limit", "integer", minimum=1, maximum=200),
            _CURSOR,
            Param("with_nested_markets", "boolean"),
            Param("with_milestones", "boolean"),
            Param("status", choices=("unopened", "open", "closed", "settled")),
            Param("series_ticker"),
            Param("tickers", serialization="comma"),
            Param("min_close_ts", "integer"),
            Param("min_updated_ts", "integer"),
        ),
        fresh_s=60,
        route="events",
        name="events",
        api_defaults={"status": "open", "with_nested_markets": "true", "limit": "100"},
        api_aliases={"status": {"all": None}},
    ),
    Endpoint(
        operation="get_market",
        path="/markets/{ticker}",
        signed=False,
        params=(Param("ticker", where="path", required=True),),
        fresh_s=60,
        route="markets/<ticker>",
        name="market",
    ),
    Endpoint(
        operation="get_exchange_status",
        path="/exchange/status",
        signed=False,
        params=(),
        fresh_s=5,
    ),
    Endpoint(
        operation="get_account_api_limits",
        path="/account/limits",
        signed=True,
        params=(),
        fresh_s=3600,
    ),
    Endpoint(
        operation="get_account_endpoint_costs",
        path="/account/endpoint_costs",
        signed=False,
        params=(),
        fresh_s=3600,
    ),
    Endpoint(
        operation="get_api_keys",
        path="/api_keys",
        signed=True,
        params=(Param("fcm_subtrader_id"),),
        fresh_s=60,
    ),
)

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType({row.operation: row for row in _ROWS})
