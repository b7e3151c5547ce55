"""Both sides of the simulated exchange's cutoff through the whole product, compared with its own books."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pytest

from kalshi.tests.epochs import LONG_ARCHIVE
from kalshi.tests.servers import ROOT, Gateway, Sandbox, running

API = "/api/v1/kalshi/"
REST = ROOT / "reference/kalshi-api/rest"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prestige")) as server:
        yield server


def history(gateway: Gateway, path: str, **query: Any) -> dict[str, Any]:
    answer = gateway.get(API + path, params={"history": "true", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(gateway: Gateway, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
    """The plain endpoint to its end, on large pages."""
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor != "":
        page = gateway.get(API + path, params={"limit": 1000, "cursor": cursor, **query}).json()
        found += page[name]
        cursor = page["cursor"]
    return found


def ids(items: list[dict[str, Any]], name: str) -> Counter[str]:
    return Counter(item[name] for item in items)


def test_all_fills_together_are_the_exchanges_books(gateway: Gateway, sandbox: Sandbox) -> None:
    body = history(gateway, "fills/", limit=200, subaccount=0)
    told, truth = body["history"], sandbox.truth()
    assert told["complete"] is True, told
    assert told["live_pages"] > 1 and told["archive_pages"] > 1
    fills = body["fills"]
    assert sum(Decimal(fill["fee_cost"]) for fill in fills) == Decimal(truth["fees_dollars"])
    held: Counter[str] = Counter()
    for fill in fills:
        held[fill["ticker"]] += int(Decimal(fill["count_fp"]) * 100) * (
            1 if fill["outcome_side"] == "yes" else -1
        )
    for position in truth["positions"]:
        assert held[position["ticker"]] == int(Decimal(position["position_fp"]) * 100)
    assert max(ids(fills, "fill_id").values()) == 1
    assert [fill["ts"] for fill in fills] == sorted((fill["ts"] for fill in fills), reverse=True)


@pytest.mark.parametrize(
    ("path", "name", "key", "query"),
    [
        ("orders/", "orders", "order_id", {}),
        ("orders/", "orders", "order_id", {"status": "executed"}),
        ("fills/", "fills", "fill_id", {"min_ts": 1}),
        ("markets/", "markets", "ticker", {"status": "settled", "series_ticker": "KXHIGHNY"}),
        ("markets/", "markets", "ticker", {"series_ticker": "KXHIGHNY"}),
    ],
)
def test_it_is_what_both_sides_have_once(
    gateway: Gateway, path: str, name: str, key: str, query: dict[str, Any]
) -> None:
    archive_query = {k: v for k, v in query.items() if k != "status"}
    live, old = (
        pages(gateway, path, name, **query),
        pages(gateway, f"historical/{path}", name, **archive_query),
    )
    if name == "orders" and query:
        old = [order for order in old if order["status"] == query["status"]]
    body = history(gateway, path, limit=200, **query)
    assert body["history"]["complete"] is True
    assert live and old
    assert ids(body[name], key) == Counter({*ids(live, key), *ids(old, key)})


def test_an_archive_of_more_than_twenty_pages_ends_where_it_says() -> None:
    """And what follows there, read to its end, is the rest."""
    with (
        running(
            lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prestige", epoch=LONG_ARCHIVE)
        ) as sandbox,
        running(lambda folder: Gateway(folder, **sandbox.environment())) as gateway,
    ):
        every = pages(gateway, "fills/", "fills", min_ts=1) + pages(
            gateway, "historical/fills/", "fills", min_ts=1
        )
        body = history(gateway, "fills/", limit=100, min_ts=1)
        told = body["history"]
        assert (told["complete"], told["reason"]) == (False, "page_limit")
        assert told["live_pages"] + told["archive_pages"] == 20
        following = told["next"]
        rest = pages(gateway, following["endpoint"], "fills", **following["parameters"])
        assert rest and ids(body["fills"] + rest, "fill_id") == ids(every, "fill_id")


def test_positions_of_all_times_are_there_with_their_events(gateway: Gateway) -> None:
    body = history(gateway, "positions/", limit=40)
    live = pages(gateway, "positions/", "market_positions", settlement_status="all")
    old = pages(gateway, "historical/positions/", "market_positions")
    assert body["history"]["complete"] is True and old
    assert ids(body["market_positions"], "ticker") == ids([*live, *old], "ticker")
    live = pages(gateway, "positions/", "event_positions", settlement_status="all")
    old = pages(gateway, "historical/positions/", "event_positions")
    assert ids(body["event_positions"], "event_ticker") == ids([*live, *old], "event_ticker")


def test_trades_of_a_market_that_lived_across_the_cutoff_are_all_there(gateway: Gateway) -> None:
    for order in pages(gateway, "historical/fills/", "fills"):
        ticker = order["ticker"]
        old = pages(gateway, "historical/trades/", "trades", ticker=ticker)
        live = pages(gateway, "markets/trades/", "trades", ticker=ticker)
        if old and live:
            break
    else:
        pytest.fail("no market was traded on both sides of the cutoff")
    body = history(gateway, "markets/trades/", ticker=ticker)
    assert body["history"]["complete"] is True
    assert ids(body["trades"], "trade_id") == ids([*live, *old], "trade_id")
    assert max(ids(body["trades"], "trade_id").values()) == 1


def test_the_trades_of_the_whole_exchange_are_cut_off_and_it_says_so(gateway: Gateway) -> None:
    body = history(gateway, "markets/trades/", limit=50)
    assert len(body["trades"]) == 1000
    assert (body["history"]["complete"], body["history"]["reason"]) == (False, "page_limit")
    following = body["history"]["next"]
    page = gateway.get(API + following["endpoint"], params=following["parameters"]).json()
    assert not {*ids(body["trades"], "trade_id")} & {*ids(page["trades"], "trade_id")}


def test_a_market_and_its_candles_are_found_after_they_moved_to_the_archive(gateway: Gateway) -> None:
    market = pages(gateway, "historical/markets/", "markets", series_ticker="KXHIGHNY")[0]
    ticker, path = market["ticker"], f"series/KXHIGHNY/markets/{market['ticker']}/candlesticks/"
    end_ts = int(datetime.fromisoformat(market["close_time"]).timestamp())
    span = {"start_ts": end_ts - 86_400, "end_ts": end_ts, "period_interval": 60}
    assert gateway.get(f"{API}markets/{ticker}/").status_code == 404
    assert gateway.get(API + path, params=span).status_code == 404
    found = history(gateway, f"markets/{ticker}/")
    assert found == {"market": market, "history": {"source": "archive"}}
    candles = history(gateway, path, **span)
    assert candles["history"] == {"source": "archive"}
    old = gateway.get(f"{API}historical/markets/{ticker}/candlesticks/", params=span).json()
    assert candles["candlesticks"] and len(candles["candlesticks"]) == len(old["candlesticks"])
    schema = json.loads((REST / "get_market_candlesticks.json").read_text())["response_schema"]
    jsonschema.validate(candles, schema)


def test_a_market_that_trades_is_found_among_the_live_ones(gateway: Gateway) -> None:
    market = gateway.get(f"{API}markets/", params={"status": "open", "limit": 1}).json()["markets"][0]
    found = history(gateway, f"markets/{market['ticker']}/")
    assert found["history"] == {"source": "live"}
    assert found["market"]["ticker"] == market["ticker"]
