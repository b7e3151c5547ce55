"""The page as a person meets it: a real browser, the whole product, a simulated exchange with faults."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from kalshi.tests.browser.conftest import Exchange, Watched
from kalshi.tests.servers import Gateway, wait_until

pytestmark = pytest.mark.browser

STALE = re.compile(r"^stale: .+ old$")


def mark(page: Page, name: str) -> Any:
    return page.locator(f'[data-mark="{name}"]')


def dollars(text: str) -> Decimal:
    """The number behind a shown amount, exactly."""
    return Decimal(text.replace("−", "-").replace("+", "").replace("$", "").replace(",", ""))


def column(page: Page, section: str, label: str) -> list[str]:
    cells: list[str] = page.locator(f'#{section} tbody td[data-label="{label}"]').all_inner_texts()
    return [cell.strip() for cell in cells]


def test_a_link_signs_in_once_and_signing_out_protects_the_page(browser: Browser, gateway: Gateway) -> None:
    link = gateway.manage("sign_in_link").strip()
    for _ in range(2):
        assert gateway.session.get(link).status_code == 200  # looking at it burns nothing
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button", name="Sign in to the dashboard").click()
    expect(page.get_by_text("Cash balance")).to_be_visible()

    with page.expect_response(lambda answer: answer.url.endswith("/sign-out/")) as leaving:
        page.get_by_role("button", name="Sign out").click()
    assert leaving.value.all_headers()["clear-site-data"] == '"cache"'
    page.wait_for_url(f"{gateway.base_url}/sign-in/")
    page.goto(gateway.base_url)
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Cash balance")).to_have_count(0)

    page.goto(link)
    expect(page.get_by_role("heading", name="used up or expired")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("manage.py sign_in_link --user NAME")).to_be_visible()
    context.close()


def test_the_page_shows_what_the_api_sends(dashboard: Watched, gateway: Gateway) -> None:
    page = dashboard.page
    balance = gateway.get("/api/v1/kalshi/balance/").json()
    listed = gateway.get("/api/v1/kalshi/positions/").json()["market_positions"]
    positions = [row for row in listed if Decimal(row["position_fp"])]
    orders = gateway.get("/api/v1/kalshi/orders/?status=resting").json()["orders"]
    assert positions and orders and len(positions) < len(listed), "one of them is sold out"

    expect(page.locator(".badge")).to_have_text("SANDBOX")
    expect(page.get_by_text("Simulated data.")).to_be_visible()
    expect(page.locator("#account")).to_have_text("Default account")
    assert dollars(page.locator("[data-figure=cash]").inner_text()) == Decimal(balance["balance_dollars"])
    shown = dollars(page.locator("[data-figure=portfolio]").inner_text())
    assert shown == Decimal(balance["portfolio_value"]) / 100

    by_exposure = sorted(positions, key=lambda row: -Decimal(row["market_exposure_dollars"]))
    for label, name in {
        "Exposure": "market_exposure_dollars",
        "Realized P&L": "realized_pnl_dollars",
        "Fees": "fees_paid_dollars",
    }.items():
        assert list(map(dollars, column(page, "positions", label))) == [
            Decimal(row[name]) for row in by_exposure
        ]
    held = [Decimal(row["position_fp"]) for row in by_exposure]
    assert list(map(dollars, column(page, "positions", "Contracts"))) == [abs(count) for count in held]
    sides = ["Yes" if count > 0 else "No" for count in held]
    assert column(page, "positions", "Side") == sides
    assert page.locator("#positions tbody .ticker").all_inner_texts() == [
        row["ticker"] for row in by_exposure
    ]
    total = sum(Decimal(row["market_exposure_dollars"]) for row in positions)
    assert dollars(page.locator("[data-figure=exposure]").inner_text()) == total

    assert page.locator("#orders tbody .ticker").all_inner_texts() == [row["ticker"] for row in orders]
    prices = [Decimal(text.removesuffix("¢").strip()) / 100 for text in column(page, "orders", "Price")]
    assert prices == [Decimal(row[f"{row['outcome_side']}_price_dollars"]) for row in orders]
    counts = [text.replace(",", "").split(" / ") for text in column(page, "orders", "Left / initial")]
    assert [tuple(map(Decimal, pair)) for pair in counts] == [
        (Decimal(row["remaining_count_fp"]), Decimal(row["initial_count_fp"])) for row in orders
    ]


def refreshed(page: Page, section: str) -> str:
    """Press the section's button; the body that the page got. Kalshi is asked at most once in two seconds."""
    with page.expect_response(lambda answer: urlsplit(answer.url).path.endswith(f"/{section}")) as found:
        page.get_by_role("button", name=f"Refresh {section} now").click()
    return found.value.text()


def test_ages_tick_and_the_page_asks_again_by_itself(dashboard: Watched, exchange: Exchange) -> None:
    before = exchange.sandbox.arrivals("get_positions")
    wait_until(lambda: exchange.sandbox.arrivals("get_positions") >= before + 2, 15, "two more fetches")
    expect(mark(dashboard.page, "events")).to_have_text(re.compile(r"^\d+ s ago$"))
    first = mark(dashboard.page, "events").inner_text()
    expect(mark(dashboard.page, "events")).not_to_have_text(first)


def test_an_unchanged_body_is_not_sent_again(dashboard: Watched) -> None:
    dashboard.page.wait_for_function(
        """() => performance.getEntriesByType("resource").some(
          ({ name, transferSize, encodedBodySize }) => name.endsWith("/positions") && transferSize < encodedBodySize)"""
    )


def test_refresh_has_kalshi_asked_at_once(dashboard: Watched, exchange: Exchange) -> None:
    before = exchange.sandbox.arrivals("get_events")
    dashboard.page.get_by_role("button", name="Refresh events now").click()
    wait_until(lambda: exchange.sandbox.arrivals("get_events") > before, 15, "a fetch within the fresh time")


def test_a_fault_marks_the_data_stale_keeps_it_and_recovery_clears_it(
    dashboard: Watched, exchange: Exchange
) -> None:
    page = dashboard.page
    rows = page.locator("#positions tbody tr").all_inner_texts()
    exchange.sandbox.fault("garbage", operations=["get_positions"])
    expect(mark(page, "positions")).to_have_text(STALE)
    expect(mark(page, "positions")).to_contain_text("Kalshi sent something unreadable")
    expect(page.locator("#banner strong")).to_have_text("Kalshi sent something unreadable.")
    expect(page.locator("#announcements")).to_have_text("Positions: stale.")
    expect(mark(page, "events")).not_to_have_text(STALE)
    assert page.locator("#positions tbody tr").all_inner_texts() == rows

    exchange.sandbox.heal()
    expect(mark(page, "positions")).not_to_have_text(STALE)
    expect(page.locator("#banner")).to_be_hidden()
    assert page.locator("#positions tbody tr").all_inner_texts() == rows


def test_the_last_numbers_stay_when_our_own_server_does_not_answer(dashboard: Watched) -> None:
    page = dashboard.page
    dashboard.expected = ("ERR_INTERNET_DISCONNECTED",)
    cash = page.locator("[data-figure=cash]").inner_text()
    page.context.set_offline(True)
    expect(page.locator("#banner strong")).to_have_text("This server does not answer.")
    expect(mark(page, "balance")).to_contain_text("this server does not answer")
    assert page.locator("[data-figure=cash]").inner_text() == cash
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_be_hidden()


def test_an_ended_session_leads_to_the_sign_in_page(dashboard: Watched) -> None:
    page = dashboard.page
    dashboard.expected = ("status of 401",)
    cash = page.locator("[data-figure=cash]").inner_text()
    page.context.clear_cookies()
    expect(page.locator("#banner strong")).to_have_text("You are signed out.")
    assert page.locator("[data-figure=cash]").inner_text() == cash
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_text_from_kalshi_stays_text(dashboard: Watched, exchange: Exchange) -> None:
    hostile = '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script>'
    market = {"ticker": hostile, "title": hostile, "yes_sub_title": hostile, "volume_24h_fp": "5.00"}
    event = {
        "event_ticker": "KX-X",
        "title": hostile,
        "sub_title": hostile,
        "category": hostile,
        "markets": [market],
    }
    exchange.answer_with("get_events", json.dumps({"cursor": "", "events": [event]}))
    names = ("market_exposure_dollars", "total_traded_dollars", "realized_pnl_dollars", "fees_paid_dollars")
    position = {"ticker": hostile, "position_fp": hostile} | dict.fromkeys(names, hostile)
    exchange.answer_with(
        "get_positions", json.dumps({"cursor": "", "market_positions": [position], "event_positions": []})
    )

    page = dashboard.page
    page.get_by_role("button", name="Refresh events now").click()
    expect(page.locator("#events tbody .title")).to_have_text([hostile])
    expect(page.locator("#positions tbody .title")).to_have_text([hostile])
    assert column(page, "positions", "Exposure") == ["—"]
    assert page.evaluate("window.hacked") is None
    assert page.locator("table img, table script").count() == 0


def test_a_text_of_megabytes_is_cut(dashboard: Watched, exchange: Exchange) -> None:
    endless = "W" * 2_000_000
    market = {"ticker": "KX-X", "title": endless, "yes_sub_title": endless, "volume_24h_fp": "5.00"}
    event = {"event_ticker": "KX-X", "title": endless, "category": endless, "markets": [market]}
    exchange.answer_with("get_events", json.dumps({"cursor": "", "events": [event]}))
    page = dashboard.page
    page.get_by_role("button", name="Refresh events now").click()
    cut = "W" * 999 + "…"
    expect(page.locator("#events tbody .title")).to_have_text([cut])
    expect(page.locator("#events tbody .under")).to_have_text([cut])
    expect(page.locator("#events tbody .name")).to_have_text([cut])


def test_empty_lists_say_so(dashboard: Watched, exchange: Exchange) -> None:
    exchange.answer_with("get_positions", '{"cursor": null, "market_positions": [], "event_positions": []}')
    exchange.answer_with("get_orders", '{"cursor": "", "orders": []}')
    expect(dashboard.page.get_by_text("No open positions.")).to_be_visible()
    expect(dashboard.page.get_by_text("No resting orders.")).to_be_visible()
    expect(dashboard.page.locator("[data-figure=resting]")).to_have_text("$0.00")


@pytest.mark.parametrize(
    ("section", "operation", "figure", "nothing"),
    [
        ("positions", "get_positions", "exposure", "No open positions."),
        ("orders", "get_orders", "resting", "No resting orders."),
        ("events", "get_events", None, "No open events."),
    ],
)
def test_a_list_that_is_not_there_is_a_dash_and_never_an_empty_one(
    dashboard: Watched, exchange: Exchange, section: str, operation: str, figure: str | None, nothing: str
) -> None:
    page = dashboard.page
    name = {"positions": "market_positions"}.get(section, section)
    for body in (
        "{}",
        '{"cursor":"","renamed":[]}',
        f'{{"cursor":"","{name}":null}}',
        f'{{"{name}":{{"a":1}}}}',
    ):
        exchange.answer_with(operation, body)
        wait_until(lambda body=body: refreshed(page, section) == body, 20, f"the page to have {body}")
        expect(page.locator(f"#{section} .empty")).to_have_text("—")
        expect(page.locator(f"#{section} tbody tr")).to_have_count(0)
        expect(page.get_by_text(nothing)).to_have_count(0)
        if figure is not None:
            expect(page.locator(f"[data-figure={figure}]")).to_have_text("—")


@pytest.mark.parametrize(
    "body", ["{}", '{"balance":null,"portfolio_value":"x"}', '{"balance":1e999,"portfolio_value":0.5}']
)
def test_a_balance_that_is_not_there_is_a_dash(dashboard: Watched, exchange: Exchange, body: str) -> None:
    exchange.answer_with("get_balance", body)
    expect(dashboard.page.locator("[data-figure=cash]")).to_have_text("—")
    expect(dashboard.page.locator("[data-figure=portfolio]")).to_have_text("—")


def test_events_whose_markets_are_not_there_are_still_shown(dashboard: Watched, exchange: Exchange) -> None:
    page = dashboard.page
    bare = {"event_ticker": "KX-X", "title": "Will it rain?"}
    exchange.answer_with(
        "get_events", json.dumps({"cursor": "", "events": [bare, bare | {"markets": {}}, None]})
    )
    page.get_by_role("button", name="Refresh events now").click()
    expect(page.locator("#events tbody .title")).to_have_text(["Will it rain?", "Will it rain?", "—"])
    assert column(page, "events", "24 h volume") == ["—"] * 3
    assert column(page, "events", "Yes bid") == ["—"] * 3


def test_a_position_that_was_sold_out_is_not_open_and_says_nothing_of_further_pages(
    dashboard: Watched, exchange: Exchange
) -> None:
    sold = {"ticker": "KX-1", "position_fp": "0.00", "market_exposure_dollars": "0.0000"}
    body = {"cursor": "", "market_positions": [sold], "event_positions": []}
    empty = dashboard.page.get_by_text("No open positions.")
    exchange.answer_with("get_positions", json.dumps(body))
    expect(empty).to_be_visible()
    expect(dashboard.page.locator("#positions .how-many")).to_have_text("")
    expect(dashboard.page.locator("[data-figure=exposure]")).to_have_text("$0.00")
    exchange.answer_with("get_positions", json.dumps(body | {"cursor": "more"}))
    expect(dashboard.page.locator("#positions .more")).to_be_visible()
    expect(empty).to_be_hidden()
    expect(dashboard.page.locator("[data-figure=exposure]")).to_have_text("—")


def test_a_ticker_with_half_an_emoji_does_not_keep_others_from_their_titles(
    dashboard: Watched, gateway: Gateway, exchange: Exchange
) -> None:
    ticker = gateway.get("/api/v1/kalshi/markets/?limit=1&status=settled").json()["markets"][0]["ticker"]
    rows = [{"ticker": "KX-\ud83d"}, {"ticker": ticker}]
    exchange.answer_with("get_orders", json.dumps({"cursor": "", "orders": rows}))
    with dashboard.page.expect_response(lambda answer: f"/markets/{ticker}" in answer.url):
        dashboard.page.get_by_role("button", name="Refresh orders now").click()
    dashboard.expected = ("404",)
    # The next page would begin with this copy, and ask for its titles too.
    (exchange.replay / "get_orders.json").unlink()
    expect(dashboard.page.locator("#orders tbody")).not_to_contain_text("KX-", timeout=20_000)


def test_a_list_that_goes_on_elsewhere_says_so_and_has_no_total(
    dashboard: Watched, gateway: Gateway, exchange: Exchange
) -> None:
    body = gateway.get("/api/v1/kalshi/orders/?status=resting").json()
    exchange.answer_with("get_orders", json.dumps(body | {"cursor": "more"}))
    expect(dashboard.page.locator("#orders .more")).to_be_visible()
    expect(dashboard.page.locator("[data-figure=resting]")).to_have_text("—")


def test_an_endpoint_that_is_off_and_one_without_data_say_the_servers_sentence(dashboard: Watched) -> None:
    dashboard.expected = ("status of 503",)
    page = dashboard.page
    answer = {"error": "The endpoint is switched off.", "code": "endpoint_off", "request_id": "abc123"}
    page.route("**/orders?*", lambda route: route.fulfill(status=503, json=answer))
    page.reload()
    expect(mark(page, "orders")).to_have_text("switched off")
    expect(page.locator("[data-notice=orders]")).to_contain_text("The endpoint is switched off.")
    expect(page.locator("[data-notice=orders]")).to_contain_text("abc123")
    page.unroute("**/orders?*")
    page.locator("[data-notice=orders]").get_by_role("button", name="Try again").click()
    expect(page.locator("#orders tbody tr").first).to_be_visible()
    expect(page.locator("[data-notice=orders]")).to_be_hidden()


def test_the_page_fits_its_window(dashboard: Watched) -> None:
    for width in (360, 390, 800, 1280):
        dashboard.page.set_viewport_size({"width": width, "height": 844})
        assert dashboard.page.evaluate("document.documentElement.scrollWidth") <= width
        expect(dashboard.page.locator("#positions tbody tr").first).to_be_visible()


def test_keyboard_and_screen_reader_find_their_way(dashboard: Watched) -> None:
    page = dashboard.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the numbers")).to_be_focused()
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("banner")).to_have_count(1)
    expect(page.get_by_role("complementary", name="Connection")).to_be_visible()
    expect(page.get_by_role("meter", name="Rate budget")).to_have_attribute(
        "aria-valuemax", re.compile(r"^\d+")
    )
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        table = page.get_by_role("table", name="Positions that are not settled yet")
        expect(table.get_by_role("rowheader").first).to_be_visible()
        expect(table.get_by_role("row").nth(1).get_by_role("cell")).to_have_count(5)
    unnamed = page.locator("button").evaluate_all(
        "all => all.filter(b => !(b.ariaLabel || b.textContent.trim())).length"
    )
    assert unnamed == 0
