"""The admin in a real browser: its pages work under their content policy, and ask nobody but us."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from playwright.sync_api import BrowserContext

from kalshi.tests.browser.conftest import Watched
from kalshi.tests.servers import Gateway

MAKE = """
from django.contrib.auth import get_user_model
from kalshi.models import Account, Grant
from kalshi.services import virtual_keys
owner = get_user_model().objects.get(username="owner")
virtual_keys.issue(user=owner, account=Account.objects.get(from_environment=True), label="notebook", key_type="ed25519")
"""
MAX_PAGES = 60


def test_every_page_of_the_admin_opens_without_a_complaint_of_the_browser(
    signed_in: BrowserContext, gateway: Gateway
) -> None:
    gateway.manage("shell", "-c", MAKE)
    page = signed_in.new_page()
    watched = Watched(page, urlsplit(gateway.base_url).netloc)
    start = f"{gateway.base_url}/admin/"
    waiting, seen, kinds = [start], set[str](), set[str]()
    while waiting:
        address = waiting.pop(0)
        kind = "/".join("n" if part.isdigit() else part for part in urlsplit(address).path.split("/"))
        # One page of each kind: the rows of a list differ in their numbers only.
        if address in seen or kind in kinds:
            continue
        seen.add(address)
        kinds.add(kind)
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        assert page.locator("h1, h2").count() > 0, address
        links = page.locator("a[href]").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        waiting += [urljoin(address, link).partition("?")[0].partition("#")[0] for link in links if link]
        waiting = [link for link in waiting if link.startswith(start)][:MAX_PAGES]
    assert len(seen) > 12, seen
    watched.check()
    page.close()


def test_the_engine_page_shows_the_budget_and_keeps_it_up_to_date(
    signed_in: BrowserContext, gateway: Gateway
) -> None:
    page = signed_in.new_page()
    watched = Watched(page, urlsplit(gateway.base_url).netloc)
    page.goto(f"{gateway.base_url}/admin/")
    page.get_by_role("link", name="Engine").first.click()
    with page.expect_response(
        lambda answer: "/admin/" in answer.url and "json" in answer.headers["content-type"]
    ):
        pass
    watched.check()
    page.close()
