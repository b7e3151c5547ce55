"""Which lists continue in the archive, under which parameters there, and what we must filter ourselves. Pure.

What the archive cannot filter is filtered here where its items tell enough, else refused: an answer must not hold less,
or more, than was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kalshi.errors import BadRequest
from kalshi.services.stitch import Array, Item, moment
from kalshi.upstream.params import Params

PAGE_SIZE = 1000

Filter = Callable[[Item], bool | None]
"""Whether the item is wanted; None: the item lacks the field that tells."""
MakeFilter = Callable[[str], Filter]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to ask the archive. `query` None: nothing that was asked for can be there."""

    query: Params | None
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Stitched:
    """A live list and its archive.

    `cutoff`: the field of Kalshi's cutoff that counts. `passed`: parameters that mean the same on both sides.
    `filtered`: those that we apply to the archive's items. `exclusive`: the archive takes one of these, by rank; the
    others are filtered. `never_archived`: values of `status` that no archived item has. `defaults`: for the live side.
    Parameters that are named nowhere are refused.
    """

    live: str
    archive: str
    arrays: tuple[Array, ...]
    cutoff: str
    passed: frozenset[str] = frozenset()
    filtered: Mapping[str, MakeFilter] = field(default_factory=dict)
    exclusive: tuple[str, ...] = ()
    never_archived: Mapping[str, frozenset[str]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)

    def plan(self, asked: Mapping[str, str]) -> Plan:
        """asked: the live call's parameters without `cursor` and `limit`. Raises BadRequest for what cannot be kept."""
        first = next((name for name in self.exclusive if name in asked), None)
        query, filters = [], []
        for name, value in asked.items():
            if name in self.passed or name == first or self._takes_whole(name, value):
                query.append((name, value))
            elif name in self.filtered:
                filters.append(self.filtered[name](value))
            elif name not in self.never_archived:
                with_first = f" and {first}" if name in self.exclusive else ""
                raise BadRequest(
                    f"{name} cannot be combined with history=true{with_first}: Kalshi's archive cannot filter by it."
                )
        if any(asked.get(name) in values for name, values in self.never_archived.items()):
            return Plan(None)
        return Plan(tuple(query), tuple(filters))

    def _takes_whole(self, name: str, value: str) -> bool:
        """The archive takes one ticker where the live list takes several."""
        return name == "ticker" and "," not in value


def _equal(field_name: str) -> MakeFilter:
    """For texts and whole numbers; several values with commas."""

    def make(value: str) -> Filter:
        wanted = set(value.split(","))
        return lambda item: None if item.get(field_name) is None else str(item[field_name]) in wanted

    return make


def _from(field_name: str) -> MakeFilter:
    return lambda value: lambda item: _compared(item, field_name, lambda at_s: at_s >= int(value))


def _until(field_name: str) -> MakeFilter:
    """The whole second counts."""
    return lambda value: lambda item: _compared(item, field_name, lambda at_s: at_s <= int(value))


def _compared(item: Item, field_name: str, fits: Callable[[int], bool]) -> bool | None:
    at_s = _epoch_s(moment(item.get(field_name)))
    return None if at_s is None else fits(at_s)


def _epoch_s(at: str | None) -> int | None:
    """None for what is no moment either, such as the 31st of February."""
    with suppress(ValueError):
        return None if at is None else int(datetime.fromisoformat(at[:19]).replace(tzinfo=UTC).timestamp())
    return None


def _combos(value: str) -> Filter:
    return lambda item: str(item.get("ticker", "")).startswith("KXMVE") == (value == "only")


_FILLS = Stitched(
    live="get_fills",
    archive="get_fills_historical",
    # The two sides of one trade may both be ours.
    arrays=(Array("fills", ("fill_id", "order_id"), "created_time"),),
    cutoff="trades_created_ts",
    passed=frozenset({"min_ts", "max_ts", "subaccount"}),
    filtered={
        "ticker": _equal("ticker"),
        "order_id": _equal("order_id"),
        "exchange_index": _equal("exchange_index"),
    },
)
_ORDERS = Stitched(
    live="get_orders",
    archive="get_historical_orders",
    arrays=(Array("orders", ("order_id",), "created_time"),),
    cutoff="orders_updated_ts",
    passed=frozenset({"ticker", "min_ts", "max_ts", "subaccount"}),
    filtered={"status": _equal("status"), "exchange_index": _equal("exchange_index")},
    never_archived={"status": frozenset({"resting"})},
)
_POSITIONS = Stitched(
    live="get_positions",
    archive="get_historical_positions",
    arrays=(
        Array("market_positions", ("ticker",), "ticker"),
        Array("event_positions", ("event_ticker",), "event_ticker"),
    ),
    cutoff="market_settled_ts",
    passed=frozenset({"ticker", "event_ticker", "subaccount"}),
    never_archived={"settlement_status": frozenset({"unsettled"})},
    defaults={"settlement_status": "all"},
)
_TRADES = Stitched(
    live="get_trades",
    archive="get_trades_historical",
    arrays=(Array("trades", ("trade_id",), "created_time"),),
    cutoff="trades_created_ts",
    passed=frozenset({"ticker", "min_ts", "max_ts", "is_block_trade"}),
)
_MARKETS = Stitched(
    live="get_markets",
    archive="get_historical_markets",
    arrays=(Array("markets", ("ticker",), "close_time"),),
    cutoff="market_settled_ts",
    exclusive=("tickers", "event_ticker", "series_ticker"),
    filtered={
        "event_ticker": _equal("event_ticker"),
        "mve_filter": _combos,
        # `settled` is Kalshi's word for the filter, `finalized` the one in the items.
        "status": lambda value: lambda item: item.get("status") == "finalized",
        "min_created_ts": _from("created_time"),
        "max_created_ts": _until("created_time"),
        "min_updated_ts": _from("updated_time"),
        "max_updated_ts": _until("updated_time"),
        "min_close_ts": _from("close_time"),
        "max_close_ts": _until("close_time"),
        "min_settled_ts": _from("settlement_ts"),
        "max_settled_ts": _until("settlement_ts"),
    },
    never_archived={"status": frozenset({"unopened", "open", "paused", "closed"})},
)

STITCHED: Mapping[str, Stitched] = {
    each.live: each for each in (_FILLS, _ORDERS, _POSITIONS, _TRADES, _MARKETS)
}
