"""Parameters, methods and paths are refused or accepted as the real exchange does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.paging import decode, encode, page
from sandbox.tests.client import Sandbox


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/markets?limit=1001", "Parameter validation failed for GetMarkets: Key: 'GetMarketsParams.Limit' "
         "Error:Field validation for 'Limit' failed on the 'lte' tag"),
        ("/portfolio/orders?limit=0", "Parameter validation failed for GetOrders: Key: 'GetOrdersParams.Limit' "
         "Error:Field validation for 'Limit' failed on the 'gte' tag"),
        ("/events?limit=201", ".*'GetEventsParams.Limit'.*'lte' tag"),
        ("/events?limit=abc", 'Invalid format for parameter limit: .* parsing "abc": invalid syntax'),
        ("/events?limit=1.5", "Invalid format for parameter limit.*"),
        ("/events?limit=%D9%A3", "Invalid format for parameter limit.*"),
        ("/events?limit=1" + "0" * 30, "Invalid format for parameter limit.*"),
        ("/events?with_nested_markets=maybe", "Invalid format for parameter with_nested_markets.*ParseBool.*"),
        ("/portfolio/deposits?limit=501", ".*'lte' tag"),
        ("/portfolio/positions?exchange_index=-1", ".*'gte' tag"),
        ("/markets/orderbooks", "Query argument tickers is required, but not found"),
        ("/markets/X/orderbook?depth=101", ".*'GetMarketOrderbookParams.Depth'.*'lte' tag"),
        ("/series/A/markets/B/candlesticks?start_ts=1&end_ts=2&period_interval=5", ".*'oneof' tag"),
        ("/milestones", "Query argument limit is required, but not found"),
        ("/milestones?limit=501", ".*'GetMilestonesParams.Limit'.*'lte' tag"),
        ("/milestones?limit=5&minimum_start_date=noon", "Invalid format for parameter minimum_start_date.*"),
        ("/structured_targets?page_size=2001", ".*'GetStructuredTargetsParams.PageSize'.*'lte' tag"),
        ("/incentive_programs?limit=10001", ".*'lte' tag"),
        ("/multivariate_event_collections?limit=0", ".*'gte' tag"),
        ("/live_data/batch", "Query argument milestone_ids is required, but not found"),
        ("/live_data/weather/nyc?from=noon", "Invalid format for parameter from.*"),
        ("/portfolio/subaccounts/transfers?limit=1001", ".*'lte' tag"),
        ("/portfolio/intra_exchange_instance_transfers?limit=501", ".*'lte' tag"),
        ("/series/A/events/B/forecast_percentile_history?start_ts=1&end_ts=2&period_interval=1",
         "Query argument percentiles is required, but not found"),
    ],
)  # fmt: skip
def test_values_that_do_not_bind_are_told_in_shape_c(frozen: Sandbox, path: str, message: str) -> None:
    answer = frozen.get(path)
    assert answer.status_code == 400
    assert list(answer.json()) == ["msg"]
    assert re.fullmatch(message, answer.json()["msg"]) or answer.json()["msg"] == message


@pytest.mark.parametrize(
    ("path", "details"),
    [
        ("/markets?status=finalized", "invalid status filter"),
        ("/markets?status=active", "invalid status filter"),
        ("/markets?status=open,closed", "invalid status filter"),
        ("/portfolio/orders?status=open", "invalid status filter"),
        ("/events?status=paused", "invalid status filter"),
        ("/portfolio/positions?settlement_status=no", "invalid settlement status filter"),
        ("/portfolio/positions?count_filter=fees", "invalid count_filter filter"),
        ("/markets?mve_filter=none", "invalid mve filter filter"),
        (
            "/markets?status=settled&min_close_ts=1",
            "close timestamp filters are incompatible with status settled",
        ),
        ("/markets?min_close_ts=1&max_created_ts=2", "created and close .* filters are mutually exclusive"),
        (
            "/markets?min_updated_ts=1&series_ticker=KXFED",
            "updated .* filters are incompatible with other filters",
        ),
        ("/historical/markets?tickers=A&series_ticker=B", "tickers and series_ticker are mutually exclusive"),
        (
            "/events/multivariate?series_ticker=A&collection_ticker=B",
            "series_ticker and .* are mutually exclusive",
        ),
        (
            "/portfolio/orders?event_ticker=A,B,C,D,E,F,G,H,I,J,K",
            "too many values for event_ticker, .* 10 allowed",
        ),
        (
            "/markets/candlesticks?market_tickers=A&start_ts=5&end_ts=2&period_interval=1",
            "start_ts must not be .*",
        ),
        ("/incentive_programs?status=open", "invalid status filter"),
        ("/incentive_programs?type=maker", "invalid type filter"),
        ("/multivariate_event_collections?status=settled", "invalid status filter"),
        ("/live_data/weather/paris", "unknown city, there are nyc, chi, mia, aus"),
        ("/live_data/weather/nyc?last_sec=700000", "the window is longer than seven days"),
        (
            f"/live_data/batch?{'&'.join(f'milestone_ids={n}' for n in range(101))}",
            "too many values .* 100 allowed",
        ),
    ],
)
def test_words_and_combinations_are_told_in_shape_a(frozen: Sandbox, path: str, details: str) -> None:
    answer = frozen.get(path)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error == {"code": "bad_request", "message": "bad request", "details": error["details"]}
    assert re.fullmatch(details, error["details"])


@pytest.mark.parametrize(
    "path",
    [
        "/markets?colour=red&limit=2",
        "/markets?limit=2&limit=abc",
        "/markets?limit=02",
        "/markets?limit=2&status=",
        "/markets?limit=2&min_updated_ts=1&mve_filter=exclude&series_ticker=KXBTCD",
    ],
)
def test_unknown_doubled_and_empty_parameters_are_passed_over(frozen: Sandbox, path: str) -> None:
    assert len(frozen.body(path)["markets"]) == 2


def test_limit_zero_means_the_default(frozen: Sandbox) -> None:
    assert len(frozen.body("/markets?limit=0")["markets"]) == 100


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "e30", "W10", "WyJtYXJrZXRzIiwieCJd", "a" * 9000, "%F0%9F%8E%B2"]
)
def test_a_garbage_cursor_is_page_one(frozen: Sandbox, cursor: str) -> None:
    first = frozen.body("/markets?limit=3")["markets"]
    assert frozen.body(f"/markets?limit=3&cursor={cursor}")["markets"] == first


@pytest.mark.parametrize(
    ("path", "name", "identity"),
    [
        ("/markets?limit=90&series_ticker=KXBTCD", "markets", "ticker"),
        ("/markets?limit=40&status=open", "markets", "ticker"),
        ("/events?limit=177&series_ticker=KXHIGHNY", "events", "event_ticker"),
        ("/events/multivariate?limit=150", "events", "event_ticker"),
        ("/portfolio/fills?limit=111", "fills", "fill_id"),
        ("/portfolio/orders?limit=7", "orders", "order_id"),
        ("/portfolio/settlements?limit=33&subaccount=0", "settlements", "ticker"),
        ("/portfolio/subaccounts/transfers?limit=3", "transfers", "transfer_id"),
        ("/portfolio/intra_exchange_instance_transfers?limit=7", "transfers", "transfer_id"),
        ("/events/fee_changes?limit=5", "event_fee_changes", "event_ticker"),
        ("/milestones?limit=400", "milestones", "id"),
        ("/incentive_programs?limit=150", "incentive_programs", "id"),
        ("/structured_targets?page_size=30", "structured_targets", "id"),
        ("/portfolio/deposits?limit=3", "deposits", "id"),
        ("/portfolio/positions?limit=2", "market_positions", "ticker"),
        ("/portfolio/positions?limit=2", "event_positions", "event_ticker"),
        ("/portfolio/positions?limit=5&settlement_status=all", "market_positions", "ticker"),
        ("/portfolio/positions?limit=5&settlement_status=all", "event_positions", "event_ticker"),
        ("/historical/positions?limit=90", "market_positions", "ticker"),
        ("/historical/fills?limit=250", "fills", "fill_id"),
        ("/historical/orders?limit=300", "orders", "order_id"),
        ("/historical/markets?limit=300&series_ticker=KXETHD", "markets", "ticker"),
    ],
)
def test_walking_all_pages_yields_each_item_once(
    frozen: Sandbox, path: str, name: str, identity: str
) -> None:
    pages = frozen.pages(path, name)
    assert len(pages) > 1
    items = [item[identity] for page in pages for item in page]
    assert len(set(items)) == len(items)


def test_trades_can_be_walked_too(frozen: Sandbox) -> None:
    ticker = frozen.body("/markets/trades?limit=1")["trades"][0]["ticker"]
    pages = frozen.pages(f"/markets/trades?ticker={ticker}&limit=30", "trades")
    trades = [trade for page in pages for trade in page]
    assert len(pages) > 1
    assert len({trade["trade_id"] for trade in trades}) == len(trades)
    times = [trade["created_time"].rstrip("Z") for trade in trades]
    assert times == sorted(times, reverse=True)


def test_a_cursor_is_bound_to_its_settlement_status(frozen: Sandbox) -> None:
    cursor = frozen.body("/portfolio/positions?limit=2")["cursor"]
    first = frozen.body("/portfolio/positions?limit=2&settlement_status=settled")
    assert frozen.body(f"/portfolio/positions?limit=2&settlement_status=settled&cursor={cursor}") == first


@given(st.lists(st.integers(-100, 100), unique=True), st.integers(1, 7))
def test_pages_are_a_partition_for_any_list_and_limit(numbers: list[int], limit: int) -> None:
    ordered = sorted(numbers)
    found: list[int] = []
    cursor = ""
    while True:
        part, cursor = page("n", ordered, lambda number: (number, "x"), cursor, limit)
        found += part
        assert re.fullmatch(r"[A-Za-z0-9_-]*", cursor)
        if not cursor:
            break
        assert len(part) == limit
    assert found == ordered


@given(st.text(max_size=40))
def test_no_text_breaks_the_cursor(text: str) -> None:
    assert decode("n", text) is None or encode("n", decode("n", text) or ()) == text.rstrip("=")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/portfolio/orders", "/portfolio/balance", "/markets"])
def test_nothing_can_be_written(frozen: Sandbox, method: str, path: str) -> None:
    """A key that may only read is refused for that; the sandbox takes no orders from the others either."""
    for key in ("ed25519", "rsa", "first-balance", "second-ed25519"):
        answer = frozen.get(path, method=method, json={}, key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "permission_denied")
    for key in ("first-write", "first-trade", "second-rsa"):
        answer = frozen.get(path, method=method, json={}, key=key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path",
    ["/nope", "/portfolio/nope", "/markets/NOPE", "/markets/A%2FB", "/markets/%00", "/markets/A/B/C", "/events/NOPE",
     "/series/NOPE", "/portfolio/orders/NOPE", "/historical/markets/NOPE", "/markets//orderbook",
     "/portfolio/orders/NOPE/queue_position", "/portfolio/order_groups/NOPE", "/milestones/NOPE",
     "/portfolio/intra_exchange_instance_transfers/NOPE", "/multivariate_event_collections/NOPE",
     "/live_data/milestone/NOPE", "/live_data/milestone/NOPE/game_stats", "/live_data/hockey_game/milestone/NOPE",
     "/live_data/events/NOPE", "/structured_targets/NOPE"],
)  # fmt: skip
def test_what_is_unknown_is_not_found(frozen: Sandbox, path: str) -> None:
    answer = frozen.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": "not_found", "message": "not found"}}


def test_outside_the_api_there_is_nothing(frozen: Sandbox) -> None:
    answer = frozen.session.get(f"{frozen.origin}/", timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_trailing_slash_moves(frozen: Sandbox) -> None:
    answer = frozen.get("/markets/?limit=2")
    assert (answer.status_code, answer.headers["location"]) == (301, "/trade-api/v2/markets?limit=2")


def test_every_answer_tells_the_time(frozen: Sandbox) -> None:
    for path in ("/exchange/status", "/nope", "/markets?limit=abc", "/markets/"):
        assert "GMT" in frozen.get(path).headers["date"]


def test_a_head_request_has_no_body(frozen: Sandbox) -> None:
    answer = frozen.get("/portfolio/balance", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
