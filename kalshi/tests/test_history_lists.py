"""What is asked of the archive for each list, what we filter ourselves, and what is refused."""

from typing import Any

import pytest

from kalshi.errors import BadRequest
from kalshi.services.history_lists import STITCHED, Plan
from kalshi.services.stitch import Item
from kalshi.upstream import params
from kalshi.upstream.endpoints import ENDPOINTS


def plan(operation: str, **asked: str) -> Plan:
    return STITCHED[operation].plan(asked)


def kept(found: Plan, item: Item) -> bool | None:
    verdicts = [keep(item) for keep in found.filters]
    return None if None in verdicts else all(verdicts)


@pytest.mark.parametrize(
    ("operation", "asked", "query"),
    [
        ("get_fills", {"ticker": "A", "min_ts": "5", "subaccount": "1"}, "ticker=A min_ts=5 subaccount=1"),
        ("get_fills", {"ticker": "A,B", "max_ts": "5"}, "max_ts=5"),
        ("get_fills", {"order_id": "o", "exchange_index": "1"}, ""),
        ("get_orders", {"ticker": "A", "status": "executed"}, "ticker=A"),
        ("get_positions", {"settlement_status": "all", "event_ticker": "E"}, "event_ticker=E"),
        ("get_trades", {"ticker": "A", "is_block_trade": "true"}, "ticker=A is_block_trade=true"),
        ("get_markets", {"tickers": "A,B", "event_ticker": "E"}, "tickers=A,B"),
        ("get_markets", {"series_ticker": "S", "mve_filter": "exclude"}, "series_ticker=S"),
        ("get_markets", {"status": "settled", "max_close_ts": "9"}, ""),
    ],
)
def test_the_archive_is_asked_for_what_it_can_filter(
    operation: str, asked: dict[str, str], query: str
) -> None:
    wanted = tuple(tuple(pair.split("=")) for pair in query.split())
    found = plan(operation, **asked)
    assert found.query == wanted
    assert found.filters or len(wanted) >= len(asked.keys() - {"settlement_status"})


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("get_orders", {"status": "resting"}),
        ("get_positions", {"settlement_status": "unsettled"}),
        *(("get_markets", {"status": word}) for word in ("unopened", "open", "paused", "closed")),
    ],
)
def test_what_is_never_archived_is_not_looked_for_there(operation: str, asked: dict[str, str]) -> None:
    assert plan(operation, **asked).query is None


@pytest.mark.parametrize(
    ("operation", "asked", "name"),
    [
        ("get_orders", {"event_ticker": "E"}, "event_ticker"),
        ("get_positions", {"count_filter": "position"}, "count_filter"),
        ("get_positions", {"exchange_index": "1"}, "exchange_index"),
        ("get_markets", {"series_ticker": "S", "event_ticker": "E"}, "series_ticker"),
    ],
)
def test_what_nobody_can_filter_is_refused_by_name(operation: str, asked: dict[str, str], name: str) -> None:
    with pytest.raises(BadRequest, match=f"^{name} cannot be combined with history=true"):
        plan(operation, **asked)


@pytest.mark.parametrize(
    ("operation", "asked", "item", "verdict"),
    [
        ("get_fills", {"ticker": "A,B"}, {"ticker": "B"}, True),
        ("get_fills", {"ticker": "A,B"}, {"ticker": "C"}, False),
        ("get_fills", {"order_id": "o"}, {"order_id": "p"}, False),
        ("get_fills", {"exchange_index": "1"}, {"exchange_index": 1}, True),
        ("get_orders", {"exchange_index": "1"}, {}, None),
        ("get_orders", {"status": "canceled"}, {"status": "executed"}, False),
        ("get_markets", {"status": "settled"}, {"status": "finalized"}, True),
        ("get_markets", {"mve_filter": "only"}, {"ticker": "KXMVESPORTS-1"}, True),
        ("get_markets", {"mve_filter": "exclude"}, {"ticker": "KXMVESPORTS-1"}, False),
        ("get_markets", {"mve_filter": "exclude"}, {"ticker": "KXFED-1"}, True),
        ("get_markets", {"tickers": "A", "event_ticker": "E"}, {"event_ticker": "F"}, False),
        ("get_markets", {"min_close_ts": "1785542400"}, {"close_time": "2026-08-01T00:00:00Z"}, True),
        ("get_markets", {"min_close_ts": "1785542401"}, {"close_time": "2026-08-01T00:00:00.9Z"}, False),
        ("get_markets", {"max_settled_ts": "1785542400"}, {"settlement_ts": "2026-08-01T00:00:00.9Z"}, True),
        ("get_markets", {"max_settled_ts": "1785542399"}, {"settlement_ts": "2026-08-01T00:00:00Z"}, False),
        ("get_markets", {"max_settled_ts": "5"}, {"settlement_ts": None}, None),
        ("get_markets", {"max_settled_ts": "5"}, {"settlement_ts": "2026-02-31T00:00:00Z"}, None),
        ("get_markets", {"max_settled_ts": "5"}, {"settlement_ts": "0000-00-00T99:99:99Z"}, None),
    ],
)
def test_the_rest_is_filtered_here(
    operation: str, asked: dict[str, str], item: Item, verdict: bool | None
) -> None:
    assert kept(plan(operation, **asked), item) is verdict


@pytest.mark.parametrize("operation", STITCHED)
def test_every_parameter_of_the_live_list_is_passed_filtered_or_refused(operation: str) -> None:
    endpoint = ENDPOINTS[operation]
    for param in endpoint.query_params:
        if param.name in {"cursor", "limit"}:
            continue
        value: Any = (
            param.choices[-1] if param.choices else {"integer": "1", "boolean": "true"}.get(param.kind, "A")
        )
        try:
            found = plan(operation, **{param.name: value})
        except BadRequest:
            continue
        if found.query is not None:
            params.validate(ENDPOINTS[STITCHED[operation].archive], found.query, {}, api=True)
            assert found.query or found.filters or param.name == "settlement_status", param.name
