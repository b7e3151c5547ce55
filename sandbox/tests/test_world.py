"""Markets, prices, books, trades and candles fit together, at any moment and by any way to it."""

import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.exchange import Exchange, View, make_exchange
from sandbox.tests.conftest import NOON
from sandbox.tests.test_books import ask
from sandbox.world.book import Resting, book_at
from sandbox.world.candles import quotes_at
from sandbox.world.grids import CENT, FINE_ENDS, TAPERED
from sandbox.world.prices import base_quote, probability
from sandbox.world.universe import opening_day

DAY = 86_400
MOMENTS = [NOON - 100 * DAY + 777, NOON - 17, NOON + 2 * DAY + 5]


def pairs(view: View, *, status: str = "active") -> list[Any]:
    return [
        market
        for event in view.events()
        for market in event.markets
        if market.status(view.now_s) == status and not view.archived(event)
    ]


@pytest.mark.parametrize("moment", MOMENTS)
def test_markets_agree_with_their_books(moment: int) -> None:
    view = make_exchange(3, moment, "basic").view(moment)
    markets = ask(view, "get_markets", limit=1000, status="open")["markets"]
    assert len(markets) > 100
    for market in markets:
        book = ask(view, "get_market_orderbook", {"ticker": market["ticker"]})["orderbook_fp"]
        for side, other in (("yes", "no"), ("no", "yes")):
            levels = book[f"{side}_dollars"]
            assert levels == sorted(levels)
            best = levels[-1][0] if levels else "0.0000"
            assert market[f"{side}_bid_dollars"] == best
            assert Decimal(market[f"{other}_ask_dollars"]) == 1 - Decimal(best)
        assert market["yes_bid_size_fp"] == (book["yes_dollars"][-1][1] if book["yes_dollars"] else "0.00")
        assert market["yes_ask_size_fp"] == (book["no_dollars"][-1][1] if book["no_dollars"] else "0.00")
        assert market["yes_bid_dollars"] < market["yes_ask_dollars"]
        on_the_grid(market, [level[0] for levels in book.values() for level in levels])


def on_the_grid(market: Any, prices: list[str]) -> None:
    """NO levels are checked on the YES scale; all grids here are symmetric."""
    for price in map(Decimal, [*prices, market["yes_bid_dollars"], market["yes_ask_dollars"]]):
        assert any(
            Decimal(row["start"]) <= price <= Decimal(row["end"])
            and (price - Decimal(row["start"])) % Decimal(row["step"]) == 0
            for row in market["price_ranges"]
        )


@pytest.mark.parametrize("grid", [CENT, TAPERED, FINE_ENDS], ids=lambda grid: grid.label)
def test_grids_ascend_are_symmetric_and_hold_every_whole_cent(grid: Any) -> None:
    assert list(grid.prices) == sorted(set(grid.prices))
    assert {10_000 - price for price in grid.prices} == set(grid.prices)
    assert set(range(0, 10_001, 100)) <= set(grid.prices)


def test_own_resting_orders_lie_in_the_book(exchange: Exchange) -> None:
    view = exchange.view(NOON)
    orders = ask(view, "get_orders", status="resting")["orders"]
    assert orders
    for order in orders:
        book = ask(view, "get_market_orderbook", {"ticker": order["ticker"]})["orderbook_fp"]
        side = order["outcome_side"]
        sizes = dict(book[f"{side}_dollars"])
        assert Decimal(sizes[order[f"{side}_price_dollars"]]) >= Decimal(order["remaining_count_fp"])


@pytest.mark.parametrize("is_bid", [True, False])
def test_an_own_order_that_leads_the_book_pushes_crossed_levels_aside(
    exchange: Exchange, is_bid: bool
) -> None:
    market = next(
        market
        for market in pairs(exchange.view(NOON))
        if 0.3 < probability(market, NOON) < 0.7 and not market.legs
    )
    plain = book_at(market, NOON)
    assert plain.best_bid
    assert plain.best_ask
    price = plain.best_ask[0] if is_bid else plain.best_bid[0]
    book = book_at(market, NOON, [Resting(is_bid, price, 100)])
    assert (book.best_bid if is_bid else book.best_ask) == (price, 100)
    assert book.best_bid
    assert book.best_ask
    assert book.best_bid[0] < book.best_ask[0]


@pytest.mark.parametrize("depth", [1, 3, 100])
def test_depth_keeps_the_best_levels(exchange: Exchange, depth: int) -> None:
    view = exchange.view(NOON)
    ticker = pairs(view)[40].ticker
    whole = ask(view, "get_market_orderbook", {"ticker": ticker})["orderbook_fp"]
    cut = ask(view, "get_market_orderbook", {"ticker": ticker}, depth=depth)["orderbook_fp"]
    assert cut == {name: levels[-depth:] for name, levels in whole.items()}


def test_the_status_follows_the_clock() -> None:
    start = NOON - 4 * DAY
    exchange = make_exchange(7, start, "basic")
    seen: dict[str, list[str]] = {}
    for hours in range(0, 24 * 5, 3):
        view = exchange.view(start + hours * 3600)
        for market in ask(view, "get_markets", series_ticker="KXHIGHNY", limit=1000)["markets"]:
            history = seen.setdefault(market["ticker"], [])
            if not history or history[-1] != market["status"]:
                history.append(market["status"])
            assert (market["result"] != "") == (market["status"] in {"determined", "finalized"})
            if market["status"] not in {"active", "inactive"}:
                assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "1.0000")
    order = ["initialized", "active", "inactive", "closed", "determined", "finalized"]
    assert {status for history in seen.values() for status in history} >= set(order) - {
        "inactive",
        "initialized",
    }
    for history in seen.values():
        trimmed = [status for status in history if status != "inactive"]
        assert sorted(set(trimmed), key=order.index) == list(dict.fromkeys(trimmed))


def test_exactly_one_market_of_an_exclusive_event_wins(exchange: Exchange) -> None:
    events = [event for event in exchange.view(NOON).events() if event.mutually_exclusive and not event.tied]
    assert len(events) > 500
    for event in events:
        assert [market.result for market in event.markets].count("yes") == 1


def test_prices_end_near_the_result_and_move_on_the_way(exchange: Exchange) -> None:
    settled = [
        market for market in pairs(exchange.view(NOON), status="finalized") if market.result != "scalar"
    ]
    right = [
        abs(probability(market, market.timing.close_s - 60) - (market.result == "yes")) < 0.5
        for market in settled[:400]
    ]
    assert sum(right) > 0.97 * len(right)
    market = settled[0]
    life = range(market.timing.open_s, market.timing.close_s, 3600)
    assert len({base_quote(market, moment) for moment in life}) > 8


def test_markets_of_an_exclusive_event_share_one_forecast(exchange: Exchange) -> None:
    for event in exchange.view(NOON).events():
        if event.mutually_exclusive and event.timing.open_s < NOON < event.timing.close_s:
            assert sum(probability(market, NOON) for market in event.markets) == pytest.approx(1, abs=0.01)


@settings(max_examples=25)
@given(st.integers(0, 5_000), st.sampled_from([1, 60, 1440]), st.integers(0, 3 * DAY), st.integers(1, DAY))
def test_candles_agree_with_trades(
    exchange: Exchange, number: int, interval: int, before: int, length: int
) -> None:
    view = exchange.view(NOON)
    markets = pairs(view) + pairs(view, status="finalized")[:300]
    market = markets[number % len(markets)]
    start = NOON - before - min(length, interval * 60 * 300)
    path = {"series_ticker": market.event.series.ticker, "ticker": market.ticker}
    query = {"start_ts": start, "end_ts": NOON - before, "period_interval": interval}
    candles = ask(view, "get_market_candlesticks", path, **query)["candlesticks"]
    for candle in candles:
        end = candle["end_period_ts"]
        assert start <= end <= NOON - before
        trades = view.trades(market, (end - interval * 60) * 1_000_000, min(end, NOON) * 1_000_000)
        assert Decimal(candle["volume_fp"]) * 100 == sum(trade.count_h for trade in trades)
        assert ("open_dollars" in candle["price"]) == bool(trades)
        if trades:
            prices = [Decimal(trade.yes_price_cc) / 10_000 for trade in trades]
            shown = [Decimal(candle["price"][f"{name}_dollars"]) for name in ("open", "low", "high", "close")]
            assert shown == [prices[0], min(prices), max(prices), prices[-1]]
            assert candle["yes_bid"]["low_dollars"] <= candle["price"]["low_dollars"]
            assert candle["yes_ask"]["high_dollars"] >= candle["price"]["high_dollars"]
    for one, two in pairwise(candles):
        assert two["end_period_ts"] - one["end_period_ts"] == interval * 60
        last = one["price"].get("close_dollars", one["price"].get("previous_dollars"))
        assert two["price"].get("previous_dollars") == last


def test_volume_is_the_sum_of_the_trades(exchange: Exchange) -> None:
    view = exchange.view(NOON)
    for market in pairs(view)[::9]:
        trades = view.trades(market, 0, view.now_us)
        body = ask(view, "get_market", {"ticker": market.ticker})["market"]
        assert Decimal(body["volume_fp"]) * 100 == sum(trade.count_h for trade in trades)
        recent = [trade.count_h for trade in trades if trade.at_us > view.now_us - DAY * 1_000_000]
        assert Decimal(body["volume_24h_fp"]) * 100 == sum(recent)
        assert Decimal(body["last_price_dollars"]) * 10_000 == (trades[-1].yes_price_cc if trades else 0)


def test_the_global_tape_is_the_union_of_all_markets(exchange: Exchange) -> None:
    view = exchange.view(NOON)
    since = view.now_us - 5_000_000_000
    every = [trade.trade_id for trade in view.all_trades(since, view.now_us)]
    single = {
        trade.trade_id
        for market in view.universe.markets.values()
        if market.timing.close_s * 1_000_000 > since
        for trade in view.trades(market, since, view.now_us)
    }
    assert len(every) == len(single) > 50
    assert set(every) == single


def test_a_moment_does_not_depend_on_the_start_or_the_way_to_it(exchange: Exchange) -> None:
    start = NOON - 6 * DAY
    stepwise = make_exchange(exchange.seed, start, "basic")
    for hours in range(0, 6 * 24, 17):
        ask(stepwise.view(start + hours * 3600), "get_balance")
        ask(stepwise.view(start + hours * 3600), "get_markets", limit=50)
    for name in (
        "get_balance",
        "get_positions",
        "get_orders",
        "get_fills",
        "get_markets",
        "get_events",
        "get_trades",
    ):
        assert json.dumps(ask(stepwise.view(NOON), name)) == json.dumps(ask(exchange.view(NOON), name)), name


def test_another_seed_is_another_exchange(exchange: Exchange) -> None:
    other = make_exchange(exchange.seed + 1, NOON, "basic").view(NOON)
    for name in ("get_balance", "get_positions", "get_markets"):
        assert ask(other, name) != ask(exchange.view(NOON), name)


def test_the_past_stays_when_the_sandbox_is_restarted_within_a_quarter() -> None:
    assert opening_day(NOON) == opening_day(NOON + 9 * DAY) == 20_544  # 2026-04-01
    ages = [NOON // DAY + day - opening_day(NOON + day * DAY) for day in range(400)]
    assert 150 <= min(ages) < max(ages) < 246


def test_tickers_are_unique_and_some_hold_a_dot(exchange: Exchange) -> None:
    universe = exchange.universe
    tickers = [market.ticker for event in universe.events.values() for market in event.markets]
    assert len(set(tickers)) == len(tickers)
    assert any("." in ticker for ticker in tickers)
    assert all(event.ticker == ticker for ticker, event in universe.events.items())


def test_closing_quotes_count_for_candles_after_the_close(exchange: Exchange) -> None:
    market = pairs(exchange.view(NOON), status="finalized")[0]
    assert quotes_at(market, market.timing.close_s + 100) == quotes_at(market, market.timing.close_s - 1)
