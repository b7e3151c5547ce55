"""The account's books add up to the cent, as a reader of the API alone would reckon them."""

import json
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from sandbox.account.fees import fee
from sandbox.control import truth
from sandbox.exchange import Exchange, View, make_exchange
from sandbox.operations import BY_NAME
from sandbox.params import check
from sandbox.tests.conftest import NOON
from sandbox.world.model import Event, Series, Timing
from sandbox.world.sports import GAMES
from sandbox.world.weather import SERIES

DAY = 86_400
SEEDS = (7, 333)
BOOKS = (("first", 0), ("first", 1), ("first", 2), ("second", 0))


def ask(view: View, name: str, path: dict[str, str] | None = None, **query: object) -> Any:
    """A handler's body as it comes out of JSON."""
    operation = BY_NAME[name]
    args = check(
        operation.operation_id, operation.params, path or {}, [(k, str(v)) for k, v in query.items()]
    )
    return json.loads(json.dumps(operation.handler(view, args)))


def everything(view: View, name: str, key: str, **query: object) -> list[Any]:
    found: list[Any] = []
    cursor = ""
    while True:
        body = ask(view, name, cursor=cursor, limit=500, **query)
        found += body[key]
        cursor = body["cursor"]
        if not cursor:
            return found


@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_add_up_for_any_seed_and_time(seed: int) -> None:
    """Several times in one exchange, up to a month apart, at odd seconds; every account and subaccount."""
    start = NOON + seed * 40 * DAY
    exchange = make_exchange(seed, start, "basic")
    for days in (0, 1.37, 33.1):
        for account, subaccount in BOOKS:
            view = exchange.view(int(start + days * DAY), account)
            books = Reckoning(view, subaccount)
            cash_and_positions_follow_from_the_fills(view, books)
            the_truth_obeys_its_own_equation(view, subaccount)
            orders_agree_with_their_fills(view, books)
            settlements_show_what_the_fills_had_left(view, books)
        the_accounts_are_worth_looking_at(exchange, int(start + days * DAY))


def test_the_books_add_up_at_every_turn_of_the_calendar(any_epoch: str) -> None:
    """And 20 seconds later: many of these moments are the last of a day."""
    start = int(datetime.fromisoformat(any_epoch).timestamp())
    exchange = make_exchange(7, start, "basic")
    for seconds in (0, 20):
        for account, subaccount in BOOKS:
            view = exchange.view(start + seconds, account)
            books = Reckoning(view, subaccount)
            cash_and_positions_follow_from_the_fills(view, books)
            the_truth_obeys_its_own_equation(view, subaccount)
            orders_agree_with_their_fills(view, books)
            settlements_show_what_the_fills_had_left(view, books)


def cash_and_positions_follow_from_the_fills(view: View, books: "Reckoning") -> None:
    true, subaccount = truth(view, books.subaccount), books.subaccount
    assert Decimal(true["cash_dollars"]) == books.cash > 0
    assert Decimal(true["fees_dollars"]) == books.fees
    assert ask(view, "get_balance", subaccount=subaccount)["balance_dollars"] == f"{books.cash:.4f}"
    rows = ask(view, "get_subaccount_balances")["subaccount_balances"]
    assert books.cash == sum(
        Decimal(row["balance"]) for row in rows if row["subaccount_number"] == subaccount
    )
    assert {row["ticker"]: Decimal(row["position_fp"]) for row in true["positions"]} == {
        ticker: held for ticker, held in books.held.items() if held
    }
    shown = ask(view, "get_positions", limit=1000, subaccount=subaccount)["market_positions"]
    assert {row["ticker"]: Decimal(row["position_fp"]) for row in shown} == {
        ticker: held for ticker, held in books.held.items() if ticker not in books.settled
    }


def the_truth_obeys_its_own_equation(view: View, subaccount: int) -> None:
    true = truth(view, subaccount)
    costs = sum(Decimal(row["cost_dollars"]) for row in true["positions"])
    names = ("deposits", "withdrawals", "moved_in", "fees", "realized_pnl")
    deposits, withdrawals, moved, fees, realized = (Decimal(true[f"{name}_dollars"]) for name in names)
    assert Decimal(true["cash_dollars"]) == deposits - withdrawals + moved - fees + realized - costs
    exposed = ask(view, "get_positions", limit=1000, subaccount=subaccount)
    for rows, field in ((exposed["market_positions"], "market"), (exposed["event_positions"], "event")):
        assert sum(Decimal(row[f"{field}_exposure_dollars"]) for row in rows) == costs
    live = everything(
        view, "get_positions", "market_positions", settlement_status="all", subaccount=subaccount
    )
    old = everything(view, "get_historical_positions", "market_positions", subaccount=subaccount)
    assert sum(Decimal(row["realized_pnl_dollars"]) for row in live + old) == realized
    assert sum(Decimal(row["fees_paid_dollars"]) for row in live + old) == fees


def orders_agree_with_their_fills(view: View, books: "Reckoning") -> None:
    subaccount = books.subaccount
    orders = everything(view, "get_orders", "orders", subaccount=subaccount)
    orders += everything(view, "get_historical_orders", "orders", subaccount=subaccount)
    assert {order["subaccount_number"] for order in orders} <= {subaccount}
    assert len({order["order_id"] for order in orders}) == len(orders)
    assert set(books.fills_of) <= {order["order_id"] for order in orders}
    for order in orders:
        own = books.fills_of[order["order_id"]]
        filled = sum((Decimal(fill["count_fp"]) for fill in own), Decimal(0))
        assert Decimal(order["fill_count_fp"]) == filled
        assert (filled == Decimal(order["initial_count_fp"])) == (order["status"] == "executed")
        fees = Decimal(order["taker_fees_dollars"]) + Decimal(order["maker_fees_dollars"])
        assert fees == sum((Decimal(fill["fee_cost"]) for fill in own), Decimal(0))
        left = Decimal(order["initial_count_fp"]) - filled if order["status"] == "resting" else 0
        assert Decimal(order["remaining_count_fp"]) == left


def settlements_show_what_the_fills_had_left(view: View, books: "Reckoning") -> None:
    for row in everything(view, "get_settlements", "settlements", subaccount=books.subaccount):
        assert row["revenue"] == books.revenue[row["ticker"]]
        assert Decimal(row["fee_cost"]) == books.fees_of[row["ticker"]]
        assert row["market_result"] == books.results[row["ticker"]]


def the_accounts_are_worth_looking_at(exchange: Exchange, now_s: int) -> None:
    view, other = exchange.view(now_s), exchange.view(now_s, "second")
    assert 3 <= len(truth(view)["positions"]) <= 30
    assert 2 <= len(ask(view, "get_orders", status="resting", subaccount=0)["orders"]) <= 18
    for name in ("get_fills", "get_fills_historical"):
        assert len(ask(view, name, limit=1000, subaccount=0)["fills"]) > 200
        assert len(ask(view, name, subaccount=1)["fills"]) > 10
        assert len(ask(other, name)["fills"]) > 20
    assert len(everything(view, "get_settlements", "settlements", subaccount=0)) > 80
    assert Decimal(truth(view)["cash_dollars"]) > 500
    assert Decimal(truth(other)["cash_dollars"]) > 100_000
    assert truth(view, 1)["positions"]
    assert truth(other)["positions"]
    assert not truth(view, 2)["positions"]


def test_own_fills_are_public_trades(exchange: Exchange) -> None:
    view = exchange.view(NOON)
    for fill in ask(view, "get_fills", limit=40)["fills"]:
        second = fill["ts"]
        trades = ask(view, "get_trades", ticker=fill["ticker"], min_ts=second, max_ts=second)["trades"]
        mine = next(trade for trade in trades if trade["trade_id"] == fill["trade_id"])
        assert mine["yes_price_dollars"] == fill["yes_price_dollars"]
        assert (mine["taker_outcome_side"] == fill["outcome_side"]) == fill["is_taker"]


def test_time_passes_in_the_account() -> None:
    exchange = make_exchange(7, NOON, "basic")
    counts = [len(truth(exchange.view(NOON + hours * 3600))["positions"]) for hours in range(0, 96, 4)]
    assert len(set(counts)) > 2
    cash = [truth(exchange.view(NOON + day * DAY))["cash_dollars"] for day in range(5, 10)]
    assert all(one != two for one, two in pairwise(cash))


@pytest.mark.parametrize(
    ("price_cc", "count_h", "is_yes", "expected_u"),
    [
        (5_000, 10_000, True, 1_750_000),  # 0.07 x 100 x 0.25
        (5_000, 100, True, 17_500),
        (100, 100, True, 700),  # 0.000693 is rounded up to the next 0.0001
        (9_950, 333, False, 1_250),  # the 1.665 cents paid need 0.00115 + 0.0001 to end on a grain
    ],
)
def test_the_fee_keeps_the_balance_on_its_grain(
    price_cc: int, count_h: int, is_yes: bool, expected_u: int
) -> None:
    charged = fee(event_of(SERIES[0]), price_cc, count_h, is_yes=is_yes, is_taker=True)
    paid = (price_cc if is_yes else 10_000 - price_cc) * count_h
    assert (charged + paid) % 100 == 0
    exact = Decimal("0.07") * count_h * price_cc * (10_000 - price_cc) / 10_000
    assert exact <= charged < exact + 200
    assert charged == expected_u


def test_makers_pay_only_where_the_series_says_so() -> None:
    assert fee(event_of(SERIES[0]), 4_000, 1_000, is_yes=True, is_taker=False) == 0
    assert fee(event_of(GAMES["NBA"]), 4_000, 1_000, is_yes=True, is_taker=False) == 42_000


def test_an_event_can_halve_the_fee() -> None:
    halved = fee(event_of(SERIES[0], key=23), 5_000, 10_000, is_yes=True, is_taker=True)
    assert halved == 875_000


def event_of(series: Series, key: int = 1) -> Event:
    return Event("X", series, "", "", key, Timing(0, 1, 2, 3, 4), 0, 1, "", "")


class Reckoning:
    """Cash and holdings from fills, market results and transfers, in Decimal, without the sandbox's ledger."""

    def __init__(self, view: View, subaccount: int) -> None:
        self.subaccount = subaccount
        self.cash = Decimal(0)
        self.fees = Decimal(0)
        self.held: dict[str, Decimal] = defaultdict(Decimal)
        self.fees_of: dict[str, Decimal] = defaultdict(Decimal)
        self.fills_of: dict[str, list[Any]] = defaultdict(list)
        self.revenue: dict[str, int] = {}
        self.results: dict[str, str] = {}
        self.settled: set[str] = set()
        if subaccount == 0:
            for row in everything(view, "get_deposits", "deposits"):
                self.cash += Decimal(row["amount_cents"]) / 100 * (row["status"] == "applied")
            for row in everything(view, "get_withdrawals", "withdrawals"):
                self.cash -= Decimal(row["amount_cents"]) / 100 * (row["status"] == "applied")
        for row in everything(view, "get_subaccount_transfers", "transfers"):
            sign = (row["to_subaccount"] == subaccount) - (row["from_subaccount"] == subaccount)
            self.cash += sign * Decimal(row["amount_cents"]) / 100
        fills = everything(view, "get_fills", "fills", subaccount=subaccount)
        fills += everything(view, "get_fills_historical", "fills", subaccount=subaccount)
        assert len({fill["fill_id"] for fill in fills}) == len(fills)
        for fill in sorted(fills, key=lambda fill: fill["created_time"].ljust(30, "0")):
            self.trade(fill)
        for ticker in list(self.held):
            self.settle(view, ticker)

    def trade(self, fill: Any) -> None:
        """Sell what the opposite side holds, buy the rest."""
        ticker, count, price = fill["ticker"], Decimal(fill["count_fp"]), Decimal(fill["yes_price_dollars"])
        sign = 1 if fill["outcome_side"] == "yes" else -1
        held = self.held[ticker]
        closing = min(count, max(Decimal(0), -sign * held))
        own_price = price if sign > 0 else 1 - price
        self.cash += closing * (1 - own_price) - (count - closing) * own_price - Decimal(fill["fee_cost"])
        self.fees += Decimal(fill["fee_cost"])
        self.fees_of[ticker] += Decimal(fill["fee_cost"])
        self.held[ticker] = held + sign * count
        self.fills_of[fill["order_id"]].append(fill)

    def settle(self, view: View, ticker: str) -> None:
        market = view.market(ticker)
        assert market is not None
        name = "get_historical_market" if view.archived(market.event) else "get_market"
        body = ask(view, name, {"ticker": ticker})["market"]
        if body["status"] != "finalized":
            return
        value = Decimal(body["settlement_value_dollars"])
        held = self.held[ticker]
        cents = int(abs(held) * (value if held > 0 else 1 - value) * 100)
        self.revenue[ticker] = cents
        self.results[ticker] = body["result"]
        self.cash += Decimal(cents) / 100
        self.held[ticker] = Decimal(0)
        self.settled.add(ticker)
