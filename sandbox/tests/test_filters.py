"""Every list filter finds what it says, and the archive holds what the live lists no longer have."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.tests.client import Sandbox
from sandbox.tests.conftest import NOON

DAY = 86_400


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def timed(sandbox: Sandbox, path: str, name: str, field: str) -> tuple[list[Any], int, int]:
    """A whole list and two moments inside it."""
    rows = sandbox.everything(f"{path}?limit=1000", name)
    moments = sorted(seconds(row[field]) for row in rows)
    return rows, int(moments[len(moments) // 3]), int(moments[2 * len(moments) // 3])


@pytest.mark.parametrize(
    ("path", "name", "field", "identity"),
    [
        ("/portfolio/orders", "orders", "created_time", "order_id"),
        ("/portfolio/fills", "fills", "created_time", "fill_id"),
        ("/portfolio/settlements", "settlements", "settled_time", "ticker"),
        ("/historical/fills", "fills", "created_time", "fill_id"),
        ("/historical/orders", "orders", "created_time", "order_id"),
    ],
)
def test_times_and_tickers_filter_portfolio_lists(
    frozen: Sandbox, path: str, name: str, field: str, identity: str
) -> None:
    rows, low, high = timed(frozen, path, name, field)

    def found(query: str) -> set[str]:
        return {row[identity] for row in frozen.everything(f"{path}?limit=1000&{query}", name)}

    def wanted(first: int, last: int) -> set[str]:
        return {row[identity] for row in rows if first <= int(seconds(row[field])) <= last}

    assert found(f"min_ts={low}") == wanted(low, 2**40)
    assert found(f"max_ts={high}") == wanted(0, high)
    assert found(f"min_ts={low}&max_ts={high}") == wanted(low, high) != set()
    ticker = rows[len(rows) // 2]["ticker"]
    assert found(f"ticker={ticker}") == {row[identity] for row in rows if row["ticker"] == ticker}
    assert found("ticker=NOPE") == set()
    main, further = found("subaccount=0"), found("subaccount=1")
    assert main | further == {row[identity] for row in rows}
    assert main != further != set()
    assert found("subaccount=3") == set()


def test_orders_filter_by_status_event_and_shard(frozen: Sandbox) -> None:
    rows = frozen.everything("/portfolio/orders?limit=1000", "orders")
    for status in ("resting", "canceled", "executed"):
        some = frozen.everything(f"/portfolio/orders?limit=1000&status={status}", "orders")
        assert some == [row for row in rows if row["status"] == status] != []
    events = [row["ticker"].rpartition("-")[0] for row in rows if row["ticker"].count("-") == 2][:2]
    some = frozen.everything(f"/portfolio/orders?limit=1000&event_ticker={','.join(events)}", "orders")
    assert {row["ticker"].rpartition("-")[0] for row in some} == set(events)
    shards = {row["exchange_index"] for row in rows}
    for shard in shards:
        some = frozen.everything(f"/portfolio/orders?limit=1000&exchange_index={shard}", "orders")
        assert some == [row for row in rows if row["exchange_index"] == shard]
    assert len(shards) > 1


def test_one_order_is_the_row_of_the_list(frozen: Sandbox) -> None:
    for row in frozen.body("/portfolio/orders?limit=5")["orders"]:
        assert frozen.body(f"/portfolio/orders/{row['order_id']}") == {"order": row}


def test_fills_filter_by_order_and_several_tickers(frozen: Sandbox) -> None:
    rows = frozen.everything("/portfolio/fills?limit=1000", "fills")
    order_id = rows[10]["order_id"]
    assert frozen.body(f"/portfolio/fills?order_id={order_id}")["fills"] == [
        row for row in rows if row["order_id"] == order_id
    ]
    tickers = {rows[0]["ticker"], rows[40]["ticker"]}
    some = frozen.body(f"/portfolio/fills?limit=1000&ticker={','.join(tickers)}")["fills"]
    assert some == [row for row in rows if row["ticker"] in tickers]


def test_positions_filter_by_status_count_ticker_and_event(frozen: Sandbox) -> None:
    def rows(query: str = "") -> list[Any]:
        return frozen.everything(f"/portfolio/positions?limit=1000{query}", "market_positions")

    live, settled = rows(), rows("&settlement_status=settled")
    assert rows("&settlement_status=unsettled") == live
    tickers = [row["ticker"] for row in live]
    assert set(tickers).isdisjoint(row["ticker"] for row in settled)
    assert len(rows("&settlement_status=all")) == len(live) + len(settled)
    held = rows("&count_filter=position")
    assert held == [row for row in live if row["position_fp"] != "0.00"]
    assert rows("&count_filter=total_traded,position") == live
    assert [row["ticker"] for row in rows(f"&ticker={tickers[0]}")] == tickers[:1]
    event = frozen.body("/portfolio/positions")["event_positions"][0]["event_ticker"]
    assert all(row["ticker"].startswith(event) for row in rows(f"&event_ticker={event}"))
    assert rows("&subaccount=2") == []


def test_the_balance_of_the_shards_is_the_balance(frozen: Sandbox) -> None:
    whole = frozen.body("/portfolio/balance")
    parts = [
        frozen.body(f"/portfolio/balance?exchange_index={row['exchange_index']}")
        for row in whole["balance_breakdown"]
    ]
    assert [part["balance_dollars"] for part in parts] == [
        row["balance"] for row in whole["balance_breakdown"]
    ]
    total = sum(round(float(part["balance_dollars"]) * 10_000) for part in parts)
    assert total == round(float(whole["balance_dollars"]) * 10_000)
    assert whole["balance"] == total // 100
    assert frozen.get("/portfolio/balance?subaccount=9").status_code == 404


@pytest.mark.parametrize(
    ("word", "statuses"),
    [
        ("unopened", {"initialized"}),
        ("open", {"active"}),
        ("paused", {"inactive"}),
        ("closed", {"closed", "determined"}),
        ("settled", {"finalized"}),
    ],
)
def test_market_status_words_find_the_response_words(frozen: Sandbox, word: str, statuses: set[str]) -> None:
    found = {row["status"] for row in frozen.body(f"/markets?limit=300&status={word}")["markets"]}
    assert found <= statuses
    if word in {"open", "settled"}:
        assert found == statuses


def test_markets_filter_by_event_series_tickers_and_combos(frozen: Sandbox) -> None:
    some = frozen.body("/markets?series_ticker=KXETHD&limit=20")["markets"]
    assert {row["ticker"].partition("-")[0] for row in some} == {"KXETHD"}
    event = some[0]["event_ticker"]
    assert {row["event_ticker"] for row in frozen.body(f"/markets?event_ticker={event}")["markets"]} == {
        event
    }
    tickers = sorted(row["ticker"] for row in some[:3])
    assert (
        sorted(row["ticker"] for row in frozen.body(f"/markets?tickers={','.join(tickers)}")["markets"])
        == tickers
    )
    assert all(row["mve_selected_legs"] for row in frozen.body("/markets?mve_filter=only")["markets"])
    plain = frozen.body("/markets?mve_filter=exclude&limit=1000")["markets"]
    assert not any("mve_selected_legs" in row for row in plain)


@pytest.mark.parametrize(
    ("family", "field"), [("created", "created_time"), ("close", "close_time"), ("settled", "settlement_ts")]
)
def test_markets_filter_by_time(frozen: Sandbox, family: str, field: str) -> None:
    low, high = NOON - 3 * DAY, NOON - DAY
    found = frozen.body(f"/markets?limit=1000&min_{family}_ts={low}&max_{family}_ts={high}")["markets"]
    assert found
    assert all(low <= seconds(row[field]) <= high for row in found)


def test_events_filter_by_status_series_tickers_and_close(frozen: Sandbox) -> None:
    for word, statuses in (("open", {"active"}), ("settled", {"finalized"})):
        events = frozen.body(f"/events?status={word}&with_nested_markets=true&limit=50")["events"]
        assert events
        assert all(statuses & {row["status"] for row in event["markets"]} for event in events)
    one = frozen.body("/events?series_ticker=KXFED&limit=2")["events"]
    assert {event["series_ticker"] for event in one} == {"KXFED"}
    tickers = ",".join(event["event_ticker"] for event in one)
    assert frozen.body(f"/events?tickers={tickers}")["events"] == one
    late = frozen.body(f"/events?min_close_ts={NOON + 40 * DAY}")["events"]
    assert 0 < len(late) < 40
    assert not any(
        event["event_ticker"].startswith("KXMVE")
        for event in frozen.everything("/events?limit=200", "events")
    )


def test_a_single_event_has_its_markets_beside_it_or_inside(frozen: Sandbox) -> None:
    ticker = frozen.body("/events?status=open&limit=1")["events"][0]["event_ticker"]
    beside = frozen.body(f"/events/{ticker}")
    inside = frozen.body(f"/events/{ticker}?with_nested_markets=true")
    assert beside["markets"] == inside["event"]["markets"] != []
    assert inside["markets"] == []
    assert "markets" not in beside["event"]


def test_series_filter_by_category_and_tags(frozen: Sandbox) -> None:
    sports = frozen.body("/series?category=Sports")["series"]
    assert {row["category"] for row in sports} == {"Sports"}
    tagged = frozen.body("/series?tags=Inflation,Jobs")["series"]
    assert {tag for row in tagged for tag in row["tags"]} == {"Inflation", "Jobs"}
    assert len(frozen.body("/series")["series"]) > len(sports) + len(tagged)


def test_what_is_older_than_the_cutoff_is_only_in_the_archive(frozen: Sandbox) -> None:
    cutoff = {name: seconds(text) for name, text in frozen.body("/historical/cutoff").items()}
    assert NOON - 62 * DAY < cutoff["market_settled_ts"] < NOON - 59 * DAY
    assert NOON - 16 * DAY < cutoff["orders_updated_ts"] < NOON - 13 * DAY
    old = frozen.body("/historical/markets?limit=5")["markets"]
    for market in old:
        assert seconds(market["settlement_ts"]) < cutoff["market_settled_ts"]
        assert frozen.get(f"/markets/{market['ticker']}").status_code == 404
        assert frozen.body(f"/historical/markets/{market['ticker']}")["market"] == market
        assert frozen.body(f"/markets/trades?ticker={market['ticker']}") == {"trades": [], "cursor": ""}
        assert frozen.body(f"/historical/trades?ticker={market['ticker']}")["trades"]
    live = frozen.body("/markets?status=settled&limit=1000")["markets"]
    assert all(seconds(row["settlement_ts"]) >= cutoff["market_settled_ts"] for row in live)
    assert frozen.get(f"/historical/markets/{live[0]['ticker']}").status_code == 404
    fills = frozen.everything("/portfolio/fills?limit=1000", "fills")
    older = frozen.everything("/historical/fills?limit=1000", "fills")
    assert min(row["ts"] for row in fills) >= cutoff["trades_created_ts"] > max(row["ts"] for row in older)
    orders = frozen.everything("/historical/orders?limit=1000", "orders")
    assert all(seconds(row["last_update_time"]) < cutoff["orders_updated_ts"] for row in orders)
    assert "resting" not in {row["status"] for row in orders}
    assert frozen.get(f"/portfolio/orders/{orders[0]['order_id']}").status_code == 404


def test_archived_events_stay_but_without_markets(frozen: Sandbox) -> None:
    event = frozen.body("/historical/markets?limit=1")["markets"][0]["event_ticker"]
    assert frozen.body(f"/events/{event}?with_nested_markets=true")["event"]["markets"] == []


def test_trades_filter_by_ticker_time_and_block(frozen: Sandbox) -> None:
    low, high = NOON - 7200, NOON - 3600
    some = frozen.body(f"/markets/trades?limit=1000&min_ts={low}&max_ts={high}")["trades"]
    assert some
    assert all(low <= seconds(row["created_time"]) < high + 1 for row in some)
    ticker = some[0]["ticker"]
    assert {row["ticker"] for row in frozen.body(f"/markets/trades?ticker={ticker}")["trades"]} == {ticker}
    blocks = frozen.body(f"/markets/trades?is_block_trade=true&min_ts={NOON - 3 * DAY}")["trades"]
    assert blocks
    assert all(row["is_block_trade"] for row in blocks)
    assert not any(
        row["is_block_trade"] for row in frozen.body("/markets/trades?is_block_trade=false")["trades"]
    )


def test_several_order_books_come_in_one_answer(frozen: Sandbox) -> None:
    tickers = [row["ticker"] for row in frozen.body("/markets?status=open&limit=3")["markets"]]
    query = "&".join(f"tickers={ticker}" for ticker in [*tickers, "NOPE"])
    books = frozen.body(f"/markets/orderbooks?{query}")["orderbooks"]
    assert [book["ticker"] for book in books] == tickers
    assert books[0]["orderbook_fp"] == frozen.body(f"/markets/{tickers[0]}/orderbook")["orderbook_fp"]
    assert frozen.body(f"/markets/orderbooks?tickers={','.join(tickers)}")["orderbooks"] == []


def test_candles_are_limited_and_resumable(frozen: Sandbox) -> None:
    event = frozen.body("/events?series_ticker=KXFED&status=open&limit=1")["events"][0]["event_ticker"]
    span = f"start_ts={NOON - 20 * DAY}&end_ts={NOON}&period_interval=1"
    ticker = frozen.body(f"/markets?event_ticker={event}")["markets"][0]["ticker"]
    refused = frozen.get(f"/series/KXFED/markets/{ticker}/candlesticks?{span}")
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "bad_request"
    cut = frozen.body(f"/series/KXFED/events/{event}/candlesticks?{span}")
    assert NOON - 20 * DAY < cut["adjusted_end_ts"] < NOON
    assert sum(len(candles) for candles in cut["market_candlesticks"]) <= 5_000 + len(cut["market_tickers"])
    assert frozen.get(f"/series/KXGDP/events/{event}/candlesticks?{span}").status_code == 404


def test_the_synthetic_candle_before_the_start_carries_the_last_price(frozen: Sandbox) -> None:
    ticker = frozen.body("/markets?series_ticker=KXBTCD&status=open&limit=1")["markets"][0]["ticker"]
    path = f"/series/KXBTCD/markets/{ticker}/candlesticks?start_ts={NOON - 7200}&end_ts={NOON}&period_interval=60"
    plain = frozen.body(path)["candlesticks"]
    first, *others = frozen.body(f"{path}&include_latest_before_start=true")["candlesticks"]
    assert others == plain
    assert first["end_period_ts"] == plain[0]["end_period_ts"] - 3600
    assert first["price"]["open_dollars"] is None
    assert first["price"]["previous_dollars"] == plain[0]["price"]["previous_dollars"]


def test_times_are_in_utc(frozen: Sandbox) -> None:
    as_of = datetime.fromisoformat(frozen.body("/exchange/user_data_timestamp")["as_of_time"])
    assert as_of == datetime.fromtimestamp(NOON, UTC)
