"""What one operation says, another one says too: temperatures, queues, groups, combos, programs, fees."""

from datetime import datetime
from decimal import Decimal
from statistics import median

import pytest

from sandbox.tests.client import Sandbox
from sandbox.tests.conftest import NOON

DAY = 86_400
HISTORY = "forecast_percentile_history?period_interval=60"


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_hottest_moment_of_a_day_is_what_its_event_settled_on(frozen: Sandbox) -> None:
    for series, city in (("KXHIGHNY", "nyc"), ("KXHIGHMIA", "mia")):
        event = f"{series}-26NOV18"
        settled = frozen.body(f"/events/{event}")["markets"][0]["expiration_value"]
        midnight = seconds("2026-11-18T05:00:00+00:00")
        window = f"from={int(midnight * 1000)}&to={int((midnight + DAY - 1) * 1000)}"
        body = frozen.body(f"/live_data/weather/{city}?{window}")
        values = [point["v"] for point in body["timeseries"]]
        assert (len(values), max(values)) == (DAY // 300, float(settled))
        details = frozen.body(f"/live_data/events/{event}")["live_data"]["details"]
        assert details["highest"] == max(values)


def test_the_index_is_the_weighted_sum_of_its_calibrated_stations(frozen: Sandbox) -> None:
    stations = frozen.body("/live_data/weather/chi/calibrations")["calibrations"][0]["stations"]
    points = frozen.body("/live_data/weather/chi?last_sec=3600&detailed=true")["timeseries"]
    assert len(points) == 13
    assert points[-1]["t"] == NOON * 1000
    for point in points:
        readings = {row["station_id"]: row["temp_f"] for row in point["stations"]}
        index = sum(row["weight"] * (readings[row["station_id"]] + row["offset_c"] * 1.8) for row in stations)
        assert index == pytest.approx(point["v"], abs=0.001)
    assert "stations" not in frozen.body("/live_data/weather/chi?last_sec=600")["timeseries"][0]


def test_queue_positions_fit_into_the_book(frozen: Sandbox) -> None:
    queues = frozen.body("/portfolio/orders/queue_positions")["queue_positions"]
    orders = frozen.everything("/portfolio/orders?status=resting&subaccount=0", "orders")
    assert {row["order_id"] for row in queues} == {order["order_id"] for order in orders}
    positions = {row["order_id"]: Decimal(row["queue_position_fp"]) for row in queues}
    assert any(positions.values())
    for order in orders:
        side = order["outcome_side"]
        levels = frozen.body(f"/markets/{order['ticker']}/orderbook")["orderbook_fp"][f"{side}_dollars"]
        size = Decimal(dict(levels)[order[f"{side}_price_dollars"]])
        assert 0 <= positions[order["order_id"]] <= size - Decimal(order["remaining_count_fp"])
        one = frozen.body(f"/portfolio/orders/{order['order_id']}/queue_position")
        assert Decimal(one["queue_position_fp"]) == positions[order["order_id"]]
    ticker = orders[0]["ticker"]
    some = frozen.body(f"/portfolio/orders/queue_positions?market_tickers={ticker}")["queue_positions"]
    assert some == [row for row in queues if row["market_ticker"] == ticker]
    event = frozen.body(f"/markets/{ticker}")["market"]["event_ticker"]
    some = frozen.body(f"/portfolio/orders/queue_positions?event_ticker={event}")["queue_positions"]
    assert some == [row for row in queues if row["market_ticker"].startswith(event)]
    done = frozen.body("/portfolio/orders?status=executed&limit=1")["orders"][0]["order_id"]
    assert frozen.get(f"/portfolio/orders/{done}/queue_position").status_code == 404


def test_an_order_names_its_group_and_the_group_its_resting_orders(frozen: Sandbox) -> None:
    orders = frozen.everything("/portfolio/orders?status=resting", "orders")
    groups = frozen.body("/portfolio/order_groups")["order_groups"]
    for group in groups:
        body = frozen.body(f"/portfolio/order_groups/{group['id']}")
        members = {row["order_id"] for row in orders if row["order_group_id"] == group["id"]}
        assert set(body["orders"]) == members
        assert {key: value for key, value in group.items() if key != "id"} == {
            key: value for key, value in body.items() if key != "orders"
        }
    assert any(row["order_group_id"] for row in orders)
    main, further = (
        {row["id"] for row in frozen.body(f"/portfolio/order_groups?subaccount={number}")["order_groups"]}
        for number in (0, 1)
    )
    assert main | further == {row["id"] for row in groups}
    assert not main & further
    assert frozen.get(f"/portfolio/order_groups/{min(further)}?subaccount=0").status_code == 404


def test_percentiles_ascend_and_stand_where_the_markets_do(frozen: Sandbox) -> None:
    event = frozen.body("/events?series_ticker=KXBTCD&status=open&limit=1")["events"][0]["event_ticker"]
    asked = "&".join(f"percentiles={number}" for number in (1000, 5000, 9000))
    span = f"start_ts={NOON - 6 * 3600}&end_ts={NOON}"
    history = frozen.body(f"/series/KXBTCD/events/{event}/{HISTORY}&{asked}&{span}")["forecast_history"]
    assert [point["end_period_ts"] for point in history][-1] == NOON
    for point in history:
        values = [row["raw_numerical_forecast"] for row in point["percentile_points"]]
        assert values == sorted(values)
    middle = history[-1]["percentile_points"][1]["numerical_forecast"]
    for market in frozen.body(f"/markets?event_ticker={event}")["markets"]:
        if market["yes_bid_dollars"] > "0.5":
            assert middle > market["floor_strike"]
        if market["yes_ask_dollars"] < "0.5":
            assert middle < market["floor_strike"]
    live = frozen.body(f"/live_data/events/{event}")["live_data"]
    assert live["details"]["price"] == pytest.approx(middle, rel=0.01)
    for bad in ("percentiles=x", "percentiles=10000"):
        assert frozen.get(f"/series/KXBTCD/events/{event}/{HISTORY}&{bad}&{span}").status_code == 400


def test_the_range_of_live_data_is_chosen_among_those_it_names(frozen: Sandbox) -> None:
    event = frozen.body("/events?series_ticker=KXETHD&status=open&limit=1")["events"][0]["event_ticker"]
    spans = {}
    for name in frozen.body(f"/live_data/events/{event}")["live_data"]["range_options"]:
        live = frozen.body(f"/live_data/events/{event}?range={name}")["live_data"]
        spans[name] = len({point["ts"] for point in live["details"]["timeseries"]})
        first = live["details"]["timeseries"][0]["ts"]
        assert NOON - 2 * DAY < first < NOON
    assert min(spans.values()) > 20
    economics = frozen.body("/events?series_ticker=KXFED&limit=1")["events"][0]["event_ticker"]
    assert frozen.get(f"/live_data/events/{economics}").status_code == 404


def test_a_collection_offers_the_games_that_trade(frozen: Sandbox) -> None:
    rows = frozen.body("/multivariate_event_collections")["multivariate_contracts"]
    for row in rows:
        path = f"/multivariate_event_collections/{row['collection_ticker']}"
        assert frozen.body(path) == {"multivariate_contract": row}
        combos = frozen.body(f"/events/multivariate?collection_ticker={row['collection_ticker']}&limit=1")
        assert combos["events"][0]["series_ticker"] == row["series_ticker"]
    tickers = rows[0]["associated_event_tickers"]
    assert tickers == [event["ticker"] for event in rows[0]["associated_events"]] != []
    for ticker in tickers:
        assert frozen.body(f"/events/{ticker}")["markets"][0]["status"] in {"active", "inactive"}
    path = "/multivariate_event_collections?associated_event_ticker="
    assert len(frozen.body(path + tickers[0])["multivariate_contracts"]) == 1
    assert frozen.body(f"{path}NOPE")["multivariate_contracts"] == []
    assert frozen.body("/multivariate_event_collections?status=closed")["multivariate_contracts"] == []


def test_incentive_programs_run_while_their_markets_trade(frozen: Sandbox) -> None:
    path = "/incentive_programs?limit=10000"
    rows = frozen.everything(path, "incentive_programs")
    for status, wanted in (("active", "open"), ("upcoming", "unopened")):
        tickers = {
            row["market_ticker"] for row in frozen.body(f"{path}&status={status}")["incentive_programs"]
        }
        trading = frozen.everything(f"/markets?status={wanted}&limit=1000", "markets")
        assert tickers - {row["ticker"] for row in trading} <= paused(frozen)
    parts = [
        frozen.everything(f"{path}&status={word}", "incentive_programs")
        for word in ("active", "upcoming", "closed", "paid_out")
    ]
    assert sum(map(len, parts)) == len(rows)
    assert all(row["paid_out"] for row in parts[3])
    assert not any(row["paid_out"] for part in parts[:3] for row in part)
    kinds = {row["incentive_type"] for row in rows}
    assert kinds == {"liquidity", "volume"}
    some = frozen.everything(f"{path}&type=volume", "incentive_programs")
    assert some == [row for row in rows if row["incentive_type"] == "volume"]
    words = rows[0]["incentive_description"]
    some = frozen.everything(f"{path}&incentive_description={words}", "incentive_programs")
    assert some == [row for row in rows if row["incentive_description"] == words]


def paused(sandbox: Sandbox) -> set[str]:
    return {row["ticker"] for row in sandbox.body("/markets?status=paused&limit=1000")["markets"]}


def test_fee_changes_are_what_events_and_series_show(frozen: Sandbox) -> None:
    changes = frozen.everything("/events/fee_changes?limit=1000", "event_fee_changes")
    for change in changes[:5]:
        event = frozen.body(f"/events/{change['event_ticker']}")["event"]
        for name in ("series_ticker", "fee_type_override", "fee_multiplier_override"):
            assert event[name] == change[name]
        alone = frozen.body(f"/events/fee_changes?event_ticker={change['event_ticker']}")
        assert alone["event_fee_changes"] == [change]
    assert frozen.body("/series/fee_changes") == {"series_fee_change_arr": []}
    past = frozen.body("/series/fee_changes?show_historical=true")["series_fee_change_arr"]
    for change in past:
        series = frozen.body(f"/series/{change['series_ticker']}")["series"]
        assert (series["fee_type"], series["fee_multiplier"]) == (
            change["fee_type"],
            change["fee_multiplier"],
        )
    one = frozen.body(f"/series/fee_changes?show_historical=true&series_ticker={past[0]['series_ticker']}")
    assert one["series_fee_change_arr"] == past[:1]


def test_a_strike_names_a_structured_target_that_exists(frozen: Sandbox) -> None:
    for market in frozen.body("/markets?series_ticker=KXNBAGAME&status=open")["markets"]:
        target = frozen.body(f"/structured_targets/{market['custom_strike']['team']}")["structured_target"]
        assert (target["name"], target["details"]["league"]) == (market["yes_sub_title"], "NBA")
    rows = frozen.everything("/structured_targets", "structured_targets")
    ids = f"ids={rows[3]['id']}&ids={rows[9]['id']}&ids=NOPE"
    assert frozen.body(f"/structured_targets?{ids}")["structured_targets"] == [rows[3], rows[9]]
    some = frozen.body("/structured_targets?type=hockey_team")["structured_targets"]
    assert some == [row for row in rows if row["type"] == "hockey_team"] != []


def test_tags_and_sports_are_those_of_series_and_events(frozen: Sandbox) -> None:
    tags: dict[str, set[str]] = {}
    for series in frozen.body("/series")["series"]:
        tags.setdefault(series["category"], set()).update(series["tags"])
    shown = frozen.body("/search/tags_by_categories")["tags_by_categories"]
    assert {category: set(words) for category, words in shown.items()} == tags
    body = frozen.body("/search/filters_by_sport")
    assert body["sport_ordering"] == list(body["filters_by_sports"])
    competitions = {
        (name, scope)
        for sport in body["filters_by_sports"].values()
        for name, row in sport["competitions"].items()
        for scope in row["scopes"]
    }
    events = frozen.everything("/events?limit=200", "events")
    details = [event["product_metadata"] for event in events if event["category"] == "Sports"]
    assert {(row["competition"], row["competition_scope"]) for row in details} <= competitions


def test_live_prices_end_at_what_the_event_settled_on(frozen: Sandbox) -> None:
    event = frozen.body("/events?series_ticker=KXBTCD&status=settled&limit=1")["events"][0]["event_ticker"]
    live = frozen.body(f"/live_data/events/{event}")["live_data"]
    value = float(frozen.body(f"/events/{event}")["markets"][0]["expiration_value"])
    assert live["is_historical"]
    assert live["details"]["price"] == value
    assert median(point["value"] for point in live["details"]["timeseries"]) == pytest.approx(value, rel=0.1)
