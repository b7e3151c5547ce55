"""What a row of the endpoint table says. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

DAY_S = 86_400.0
HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter. `comma`: a value of at most `max_items` parts; `repeat`: the name may occur that often.

    `kind` is that of one part. `choices` are the allowed parts in their normal form, integers too.
    """

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

    `path` has no /trade-api/v2. `promises`: the key of a 200's body that holds what was asked for; `keeps_promise`: it
    is always there, so that a body without it has drifted. `signed`: Kalshi demands a signature. `fresh_s`, `keep_s`
    and `patience_s` are defaults which the admin may change. `cost` holds until /account/endpoint_costs says otherwise.
    `name` is the short name in status, admin and URL reversing; None: internal only, no caller may ask for it.
    `in_status`: the status document tells how old its copy is. `api_defaults` and `api_aliases` hold for our own
    API only; an alias of None drops the parameter.
    """

    operation: str
    path: str
    promises: str
    signed: bool
    params: tuple[Param, ...]
    fresh_s: float
    keep_s: float = DAY_S
    patience_s: float = 1.0
    cost: int = 10
    name: str | None = None
    in_status: bool = False
    keeps_promise: bool = True
    api_defaults: Mapping[str, str] = field(default_factory=dict)
    api_aliases: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    @property
    def exposed(self) -> bool:
        """Whether callers may ask for it, in our own API under `route` and in the gateway under `path`."""
        return self.name is not None

    @property
    def route(self) -> str | None:
        """Our path under /api/v1/kalshi/: Kalshi's without /portfolio, as `markets/<ticker>`; None: not exposed."""
        if not self.exposed:
            return None
        return self.path.removeprefix("/portfolio").removeprefix("/").replace("{", "<").replace("}", ">")

    @property
    def query_params(self) -> tuple[Param, ...]:
        """The parameters that stand in the query string."""
        return tuple(param for param in self.params if param.where == "query")


CURSOR = Param("cursor")
TICKER = Param("ticker")
TICKERS = Param("tickers", serialization="comma")
EVENT_TICKER = Param("event_ticker")
SERIES_TICKER = Param("series_ticker")
TICKER_IN_PATH = Param("ticker", where="path", required=True)
EVENT_IN_PATH = Param("event_ticker", where="path", required=True)
SERIES_IN_PATH = Param("series_ticker", where="path", required=True)
SUBACCOUNT = Param("subaccount", "integer")
EXCHANGE_INDEX = Param("exchange_index", "integer", minimum=0)
MIN_TS = Param("min_ts", "integer")
MAX_TS = Param("max_ts", "integer")
MIN_UPDATED_TS = Param("min_updated_ts", "integer")
NESTED = Param("with_nested_markets", "boolean")
START_TS = Param("start_ts", "integer", required=True)
END_TS = Param("end_ts", "integer", required=True)
PERIOD = Param("period_interval", "integer", required=True, choices=("1", "60", "1440"))
LATEST_BEFORE = Param("include_latest_before_start", "boolean")
BLOCK_TRADE = Param("is_block_trade", "boolean")


def limit(minimum: int, maximum: int, *, required: bool = False) -> Param:
    """The page size."""
    return Param("limit", "integer", required=required, minimum=minimum, maximum=maximum)
