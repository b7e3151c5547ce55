"""Two walks become one list: nothing lost, nothing doubled, in order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.services.stitch import Array, Item, merge, moment

TRADES = Array("trades", ("trade_id",), "created_time")
POSITIONS = Array("market_positions", ("ticker",), "ticker")
FILLS = Array("fills", ("fill_id", "order_id"), "created_time")
START = datetime(2026, 8, 1, tzinfo=UTC)


def trade(number: int, at_ms: int) -> Item:
    spelled = (START + timedelta(milliseconds=at_ms)).isoformat().replace("+00:00", "Z")
    return {"trade_id": f"t{number}", "created_time": spelled}


def ids(items: list[Item]) -> list[str]:
    return [item["trade_id"] for item in items]


@given(
    times=st.lists(st.integers(0, 5_000), max_size=40),
    cut_ms=st.integers(-1, 5_001),
    overlap_ms=st.integers(0, 2_000),
)
def test_wherever_the_cutoff_lies_every_item_is_there_once_and_newest_first(
    times: list[int], cut_ms: int, overlap_ms: int
) -> None:
    truth = [trade(number, at_ms) for number, at_ms in enumerate(sorted(times, reverse=True))]
    at = dict(zip(ids(truth), sorted(times, reverse=True), strict=True))
    live = [item for item in truth if at[item["trade_id"]] >= cut_ms]
    archive = [item for item in truth if at[item["trade_id"]] < cut_ms + overlap_ms]
    merged = merge(TRADES, live, archive)
    assert sorted(ids(merged.items)) == sorted(ids(truth))
    assert [at[name] for name in ids(merged.items)] == sorted(times, reverse=True)
    assert merged.dropped == len(live) + len(archive) - len(truth)


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.lists(st.integers(0, 9)))
def test_whatever_comes_no_identity_is_lost_and_none_is_doubled(
    live: list[tuple[int, bool]], archive: list[int]
) -> None:
    left = [trade(number, number) if timed else {"trade_id": f"t{number}"} for number, timed in live]
    right = [trade(number, number) for number in archive]
    merged = merge(TRADES, left, right)
    assert sorted(ids(merged.items)) == sorted({*ids(left), *ids(right)})
    assert merged.dropped == len(left) + len(right) - len(merged.items)


def test_an_old_order_that_rests_still_stands_among_the_archived_ones() -> None:
    merged = merge(TRADES, [trade(1, 900), trade(2, 100)], [trade(3, 500), trade(4, 50)])
    assert ids(merged.items) == ["t1", "t3", "t2", "t4"]


def test_of_an_item_on_both_sides_the_live_one_stays() -> None:
    merged = merge(TRADES, [trade(1, 5) | {"side": "live"}], [trade(1, 5) | {"side": "archive"}])
    assert [item["side"] for item in merged.items] == ["live"]
    assert merged.dropped == 1


def test_both_sides_of_a_trade_with_oneself_stay() -> None:
    fills = [{"fill_id": "f", "order_id": order, "created_time": "2026-08-01T00:00:00Z"} for order in "ab"]
    assert merge(FILLS, fills, []).items == fills


@pytest.mark.parametrize(("live", "archive"), [(7, 7), (7, "7"), ("7", 7)])
def test_an_id_that_is_a_number_names_its_item_as_its_text_does(live: int | str, archive: int | str) -> None:
    merged = merge(TRADES, [{"trade_id": live}], [{"trade_id": archive}, {"trade_id": 8}])
    assert [item["trade_id"] for item in merged.items] == [live, 8]
    assert merged.dropped == 1


@pytest.mark.parametrize("nameless", [{}, {"trade_id": None}, {"trade_id": ""}, {"trade_id": True}])
def test_an_item_without_an_id_is_never_taken_for_another(nameless: Item) -> None:
    merged = merge(TRADES, [nameless, nameless], [nameless])
    assert merged.items == [nameless] * 3
    assert merged.dropped == 0


def test_a_list_sorted_by_words_stays_so() -> None:
    merged = merge(POSITIONS, [{"ticker": "B"}, {"ticker": "D"}], [{"ticker": "A"}, {"ticker": "C"}])
    assert [item["ticker"] for item in merged.items] == ["A", "B", "C", "D"]


def test_in_another_order_than_assumed_the_live_items_stand_first_as_they_came() -> None:
    live, archive = [trade(1, 10), trade(2, 20)], [trade(3, 15)]
    assert ids(merge(TRADES, live, archive).items) == ["t1", "t2", "t3"]


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-08-01T00:00:00Z", "2026-08-01T00:00:00.000001Z"),
        ("2026-08-01T00:00:00.5Z", "2026-08-01T00:00:00.50001Z"),
        ("2026-08-01T00:00:00.09Z", "2026-08-01T00:00:00.1Z"),
        ("2026-08-01T00:00:00.999999999Z", "2026-08-01T00:00:01Z"),
    ],
)
def test_times_of_any_precision_compare(earlier: str, later: str) -> None:
    assert (moment(earlier) or "") < (moment(later) or "")


@pytest.mark.parametrize("value", [None, 5, "", "soon", "2026-08-01", "2026-08-01T00:00:00+02:00"])
def test_what_is_no_utc_time_has_no_place(value: object) -> None:
    assert moment(value) is None
