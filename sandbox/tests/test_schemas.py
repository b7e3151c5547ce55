"""Every operation, in many ways of asking, fits Kalshi's schema; the table fits the reference."""

import importlib.util
import json
from datetime import datetime
from typing import Any

import pytest

from sandbox.operations import OPERATIONS, Operation, find
from sandbox.params import Param
from sandbox.tests.client import ROOT, Sandbox
from sandbox.tests.conftest import NOON

REFERENCE = ROOT / "reference" / "kalshi-api"
ASKED = [
    "/exchange/status",
    "/exchange/schedule",
    "/exchange/user_data_timestamp",
    "/account/limits",
    "/account/endpoint_costs",
    "/account/api_usage_level/volume_progress",
    "/api_keys",
    "/portfolio/balance",
    "/portfolio/balance?exchange_index=2",
    "/portfolio/positions",
    "/portfolio/positions?settlement_status=settled&limit=7",
    "/portfolio/positions?settlement_status=all&limit=1000&count_filter=position,total_traded",
    "/portfolio/orders",
    "/portfolio/orders?status=resting",
    "/portfolio/orders?status=canceled&limit=1000",
    "/portfolio/orders?status=executed",
    "/portfolio/orders/{order_id}",
    "/portfolio/fills?limit=300",
    "/portfolio/settlements?limit=1000",
    "/portfolio/deposits",
    "/portfolio/withdrawals?limit=500",
    "/markets",
    "/markets?limit=150&mve_filter=exclude",
    "/markets?mve_filter=only",
    "/markets?status=unopened",
    "/markets?status=open",
    "/markets?status=closed",
    "/markets?status=settled&limit=5",
    "/markets/{ticker}",
    "/markets/{dotted}",
    "/markets/{combo}",
    "/markets/{ticker}/orderbook",
    "/markets/{ticker}/orderbook?depth=1",
    "/markets/{settled}/orderbook",
    "/markets/orderbooks?tickers={ticker}&tickers={dotted}&tickers={combo}",
    "/markets/trades",
    "/markets/trades?ticker={dotted}&limit=1000",
    "/markets/candlesticks?market_tickers={ticker},{dotted}&start_ts={day_ago}&end_ts={now}&period_interval=60",
    "/markets/candlesticks?market_tickers={combo}&start_ts={day_ago}&end_ts={now}&period_interval=1440"
    "&include_latest_before_start=true",
    "/series/{series}/markets/{dotted}/candlesticks?start_ts={day_ago}&end_ts={now}&period_interval=1",
    "/series/{series}/markets/{dotted}/candlesticks?start_ts={day_ago}&end_ts={now}&period_interval=60"
    "&include_latest_before_start=true",
    "/series/{series}/events/{event}/candlesticks?start_ts={day_ago}&end_ts={now}&period_interval=60",
    "/events",
    "/events?with_nested_markets=true&limit=60",
    "/events?status=open&with_nested_markets=true&with_milestones=true",
    "/events/{event}",
    "/events/{event}?with_nested_markets=true",
    "/events/{event}/metadata",
    "/events/multivariate?with_nested_markets=true&limit=20",
    "/series",
    "/series?include_volume=true&include_product_metadata=true",
    "/series/{series}",
    "/series/{series}?include_volume=true",
    "/historical/cutoff",
    "/historical/markets?limit=30",
    "/historical/markets/{old}",
    "/historical/markets/{old}/candlesticks?start_ts={old_open}&end_ts={old_close}&period_interval=60",
    "/historical/trades?limit=200",
    "/historical/trades?ticker={old}",
    "/historical/fills?limit=300",
    "/historical/orders?limit=300",
    "/historical/positions?limit=1000",
    "/portfolio/orders?subaccount=1",
    "/portfolio/balance?subaccount=1",
    "/portfolio/orders/queue_positions",
    "/portfolio/orders/queue_positions?market_tickers={resting_ticker}&subaccount=0",
    "/portfolio/orders/{resting_id}/queue_position",
    "/portfolio/order_groups",
    "/portfolio/order_groups/{group_id}",
    "second:/portfolio/summary/total_resting_order_value",
    "second:/portfolio/positions",
    "/portfolio/subaccounts/balances",
    "/portfolio/subaccounts/netting",
    "/portfolio/subaccounts/transfers",
    "/portfolio/intra_exchange_instance_transfers?limit=3",
    "/portfolio/intra_exchange_instance_transfers/{shift_id}",
    "/portfolio/target_balance_allocation",
    "/events/fee_changes",
    "/series/fee_changes",
    "/series/fee_changes?show_historical=true",
    "/series/{series}/events/{event}/forecast_percentile_history?percentiles=0&percentiles=5000&percentiles=9999"
    "&start_ts={day_ago}&end_ts={now}&period_interval=60",
    "/series/{series}/events/{event}/forecast_percentile_history?percentiles=2500&start_ts={minute_ago}"
    "&end_ts={now}&period_interval=0",
    "/multivariate_event_collections",
    "/multivariate_event_collections/{collection}",
    "/milestones?limit=500",
    "/milestones/{milestone}",
    "/live_data/batch?milestone_ids={milestone}&milestone_ids={over}",
    "/live_data/milestone/{over}?include_player_stats=true",
    "/live_data/milestone/{over}/game_stats",
    "/live_data/milestone/{later}/game_stats",
    "/live_data/{kind}/milestone/{milestone}",
    "/live_data/events/{event}",
    "/live_data/events/{weather_event}",
    "/live_data/events/{game_event}",
    "/live_data/weather/nyc",
    "/live_data/weather/aus?last_sec=1800&detailed=true",
    "/live_data/weather/mia/calibrations",
    "/incentive_programs?limit=1000",
    "/structured_targets",
    "/structured_targets/{target}",
    "/search/tags_by_categories",
    "/search/filters_by_sport",
]


@pytest.fixture(scope="module")
def checker() -> Any:
    spec = importlib.util.spec_from_file_location("kalshi_reference_check", REFERENCE / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def names(frozen: Sandbox) -> dict[str, Any]:
    """Things to ask for by name."""
    markets = frozen.body("/markets?status=open&limit=1000")["markets"]
    dotted = next(market for market in markets if "." in market["ticker"] and "KXBTCD" in market["ticker"])
    old = frozen.body("/historical/markets?limit=1")["markets"][0]
    milestones = frozen.everything("/milestones?limit=500", "milestones")
    over = next(row for row in reversed(milestones) if seconds(row["end_date"]) < NOON)
    later = next(row for row in milestones if seconds(row["start_date"]) > NOON)
    resting = frozen.body("/portfolio/orders?status=resting&subaccount=0&limit=1")["orders"][0]
    shifts = frozen.body("/portfolio/intra_exchange_instance_transfers")["transfers"]
    return {
        "milestone": over["id"],
        "kind": over["type"],
        "over": over["id"],
        "later": later["id"],
        "game_event": later["primary_event_tickers"][0],
        "weather_event": next(row["event_ticker"] for row in markets if row["ticker"].startswith("KXHIGH")),
        "resting_id": resting["order_id"],
        "resting_ticker": resting["ticker"],
        "group_id": frozen.body("/portfolio/order_groups")["order_groups"][0]["id"],
        "shift_id": shifts[0]["transfer_id"],
        "collection": "KXMVESPORTSMULTIGAMEEXTENDED-R",
        "target": frozen.body("/structured_targets?page_size=1")["structured_targets"][0]["id"],
        "minute_ago": NOON - 60,
        "ticker": next(market["ticker"] for market in markets if market["event_ticker"].startswith("KXHIGH")),
        "dotted": dotted["ticker"],
        "event": dotted["event_ticker"],
        "series": "KXBTCD",
        "combo": frozen.body("/markets?mve_filter=only&limit=1")["markets"][0]["ticker"],
        "settled": frozen.body("/markets?status=settled&limit=1")["markets"][0]["ticker"],
        "old": old["ticker"],
        "old_open": NOON - 62 * 86_400,
        "old_close": NOON - 58 * 86_400,
        "order_id": frozen.body("/portfolio/orders?limit=1")["orders"][0]["order_id"],
        "now": NOON,
        "day_ago": NOON - 86_400,
    }


@pytest.mark.parametrize("path", ASKED)
def test_every_answer_fits_the_schema(
    frozen: Sandbox, checker: Any, names: dict[str, Any], path: str
) -> None:
    account, _, path = path.rpartition(":")
    answer = frozen.get(path.format(**names), key=f"{account}-ed25519" if account else "ed25519")
    assert answer.status_code == 200, answer.text[:300]
    body = answer.json()
    operation = operation_of(path)
    schema = json.loads((REFERENCE / "rest" / f"{operation.name}.json").read_text())["response_schema"]
    assert checker.problems(schema, body, 5) == []
    assert list(checker.hints(body))[:5] == []


def test_every_read_operation_of_the_reference_is_served() -> None:
    assert {operation.name for operation in OPERATIONS} == {
        path.stem for path in (REFERENCE / "rest").glob("*.json")
    }


def test_every_operation_is_walked() -> None:
    assert {operation_of(path).name for path in ASKED} == {operation.name for operation in OPERATIONS}


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def operation_of(path: str) -> Operation:
    found = find(f"/trade-api/v2{path.rpartition(':')[2].partition('?')[0]}")
    assert found is not None, path
    return found[0]


def lists_that_may_not_be_empty() -> list[tuple[str, str]]:
    return [
        ("/portfolio/orders?status=resting", "orders"),
        ("/portfolio/fills", "fills"),
        ("/historical/fills", "fills"),
        ("/historical/orders", "orders"),
        ("/historical/positions", "market_positions"),
        ("/markets?status=closed", "markets"),
        ("/markets?mve_filter=only", "markets"),
        ("/events/multivariate", "events"),
        ("/portfolio/withdrawals", "withdrawals"),
        ("/portfolio/orders/queue_positions", "queue_positions"),
        ("/portfolio/order_groups", "order_groups"),
        ("/portfolio/subaccounts/transfers", "transfers"),
        ("/portfolio/intra_exchange_instance_transfers", "transfers"),
        ("/portfolio/positions?subaccount=1", "market_positions"),
        ("/events/fee_changes", "event_fee_changes"),
        ("/series/fee_changes?show_historical=true", "series_fee_change_arr"),
        ("/multivariate_event_collections?status=open", "multivariate_contracts"),
        ("/incentive_programs?status=active", "incentive_programs"),
        ("/incentive_programs?status=paid_out", "incentive_programs"),
        ("/structured_targets?competition=NHL", "structured_targets"),
        ("/milestones?limit=5&minimum_start_date=2026-11-21T12:00:00Z", "milestones"),
    ]


@pytest.mark.parametrize(("path", "name"), lists_that_may_not_be_empty())
def test_the_demo_has_something_to_show(frozen: Sandbox, path: str, name: str) -> None:
    assert frozen.body(path)[name]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_table_agrees_with_the_reference(operation: Operation) -> None:
    reference = json.loads((REFERENCE / "rest" / f"{operation.name}.json").read_text())
    assert operation.path == reference["path"]
    assert operation.signed == reference["auth"]
    assert operation.operation_id == reference["operation_id"]
    declared = {row["name"]: as_param(row) for row in reference["parameters"] if row["in"] == "query"}
    assert {param.name: param for param in operation.params} == declared


def as_param(row: dict[str, Any]) -> Param:
    items = {"comma": "comma", "repeat": "repeat"}.get(row.get("serialization", ""), "")
    choices = tuple(row.get("enum", ()))
    if row["name"] == "count_filter":
        choices = ("position", "total_traded")
    return Param(
        row["name"],
        "string" if row["type"] == "array" else row["type"],
        default=row.get("default"),
        minimum=row.get("minimum"),
        maximum=row.get("maximum"),
        choices=choices,
        required=row["required"],
        items=items,
        max_items=row.get("maxItems"),
    )


def test_a_dashboard_sized_events_body_stays_moderate(frozen: Sandbox) -> None:
    assert (
        100_000 < len(frozen.get("/events?status=open&with_nested_markets=true&limit=100").content) < 700_000
    )
    assert len(frozen.get("/events?with_nested_markets=true&limit=200").content) < 1_200_000
