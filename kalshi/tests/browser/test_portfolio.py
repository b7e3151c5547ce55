"""Rows and totals of the account, from bodies with and without gaps."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from kalshi.tests.browser.modules import check

pytestmark = pytest.mark.browser

DASH = "—"

PORTFOLIO = """async ([positions, orders, complete]) => {
  const portfolio = await import("/static/kalshi/js/portfolio.js");
  const { money } = await import("/static/kalshi/js/format.js");
  const rows = portfolio.positions(positions);
  const totals = portfolio.positionTotals(rows, complete);
  return {
    sides: rows && rows.map((row) => row.side),
    totals: Object.values(totals).map(money),
    orders: portfolio.orders(orders)?.map((row) => [row.side, row.book, money(row.limit), money(row.value)]) ?? null,
    resting: money(portfolio.restingValue(portfolio.orders(orders), complete)),
  };
}"""


def position(count: Any, dollars: Any = "1.10") -> dict[str, Any]:
    names = ("market_exposure_dollars", "total_traded_dollars", "realized_pnl_dollars", "fees_paid_dollars")
    return {"ticker": "KX-1", "position_fp": count} | dict.fromkeys(names, dollars)


def order(side: Any, remaining: Any = "10.00") -> dict[str, Any]:
    prices = {"yes_price_dollars": "0.6000", "no_price_dollars": "0.4000"}
    return {
        "ticker": "KX-1",
        "outcome_side": side,
        "book_side": "bid",
        "remaining_count_fp": remaining,
    } | prices


def test_sides_and_totals_come_from_the_exact_texts(modules: Page) -> None:
    positions = {"market_positions": [position("3.00", "0.1"), position("-0.50", "0.199999")]}
    orders = {"orders": [order("yes"), order("no", "2.50")]}
    found = modules.evaluate(PORTFOLIO, [positions, orders, True])
    assert found["sides"] == ["yes", "no"]
    assert found["totals"] == ["$0.299999"] * 4
    assert found["orders"] == [["yes", "bid", "$0.60", "$6.00"], ["no", "bid", "$0.40", "$1.00"]]
    assert found["resting"] == "$7.00"


@pytest.mark.parametrize("nothing", ["0", "0.00", "-0.00"])
def test_what_was_sold_out_is_no_open_position(modules: Page, nothing: str) -> None:
    positions = {"market_positions": [position(nothing, "5.00"), position("3.00"), position(None)]}
    found = modules.evaluate(PORTFOLIO, [positions, {"orders": []}, True])
    assert found["sides"] == ["yes", None]
    assert found["totals"] == ["$2.20"] * 4


def test_what_is_missing_is_unknown_and_so_is_every_sum_over_it(modules: Page) -> None:
    legacy = order(None) | {"side": "yes", "action": "buy"}
    found = modules.evaluate(
        PORTFOLIO,
        [
            {"market_positions": [position("1.00"), position(None, None), None]},
            {"orders": [order("yes"), legacy]},
            True,
        ],
    )
    assert found["sides"] == ["yes", None, None]
    assert found["totals"] == [DASH] * 4
    assert found["orders"][1] == [None, "bid", DASH, DASH]
    assert found["resting"] == DASH


def test_part_of_a_list_has_no_total(modules: Page) -> None:
    found = modules.evaluate(
        PORTFOLIO, [{"market_positions": [position("1.00")]}, {"orders": [order("yes")]}, False]
    )
    assert (found["totals"], found["resting"]) == ([DASH] * 4, DASH)


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"market_positions": None, "orders": "none"},
        {"market_positions": {}, "orders": 0},
        {"positions": [], "open_orders": []},
        {"error": {"code": "internal", "message": "no"}},
        [],
    ],
)
def test_a_list_that_is_not_there_is_unknown_and_so_are_its_totals(modules: Page, body: Any) -> None:
    found = modules.evaluate(PORTFOLIO, [body, body, True])
    assert (found["sides"], found["orders"]) == (None, None)
    assert (found["totals"], found["resting"]) == ([DASH] * 4, DASH)


def test_an_empty_list_that_is_there_adds_up_to_nothing(modules: Page) -> None:
    found = modules.evaluate(PORTFOLIO, [{"market_positions": []}, {"orders": []}, True])
    assert (found["sides"], found["orders"]) == ([], [])
    assert (found["totals"], found["resting"]) == (["$0.00"] * 4, "$0.00")


def test_a_list_is_whole_only_when_nothing_may_lead_to_more(modules: Page) -> None:
    whole = [{}, {"cursor": ""}, {"cursor": None}, {"orders": []}, {"cursor": "", "total": 5}]
    parts = [{"cursor": odd} for odd in ("a", 77, 0, True, False, {}, [])]
    parts += [{"next_cursor": "a"}, {"next": "a"}, {"cursor": "", "nextCursor": "a"}]
    cases = [([body], True) for body in whole] + [([body], False) for body in parts]
    check(modules, "portfolio", "isComplete", cases)
