"""The page of the API: from our own files, under its content policy, and calls can be tried with the session."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, expect

from kalshi.tests.browser.conftest import Watched
from kalshi.tests.servers import Gateway


def test_a_call_can_be_tried_on_the_page(signed_in: BrowserContext, gateway: Gateway) -> None:
    watched = Watched(signed_in.new_page(), urlsplit(gateway.base_url).netloc)
    page = watched.page
    page.goto(f"{gateway.base_url}/")
    page.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", name="Kalshi gateway")).to_be_visible()
    page.locator("#operations-tag-exchange").click()
    operation = page.locator("#operations-exchange-get_exchange_status")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer).to_contain_text("trading_active")
    expect(answer.locator("tbody .response-col_status")).to_contain_text("200")
    page.close()
    watched.check()
