"""A real Chromium in front of the whole product in front of a frozen sandbox, started once for this folder.

Package scope and not session scope: Playwright keeps an event loop in this thread while it runs, and Django refuses
the database to threads with one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Route,
    expect,
    sync_playwright,
)

from kalshi.tests.epochs import SOLD_OUT
from kalshi.tests.servers import Gateway, Sandbox, running

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Generous, because other tests may have the machine to themselves; nothing waits longer than it must.
expect.set_options(timeout=20_000)
# Copies of the account's data stay fresh this long here, so that a test sees the page ask again by itself.
FRESH_S = 1
SHORTEN = f"""
from kalshi.models import EndpointPolicy
for operation in ("get_balance", "get_positions", "get_orders"):
    row, _ = EndpointPolicy.objects.get_or_create(operation=operation)
    row.fresh_s = {FRESH_S}
    row.save()
"""


@dataclass
class Exchange:
    """The sandbox and the folder from which it takes bodies instead of making them."""

    sandbox: Sandbox
    replay: Path

    def answer_with(self, operation: str, body: str) -> None:
        (self.replay / f"{operation}.json").write_text(body)


@dataclass
class Watched:
    """A page and everything it must not do. `expected`: parts of console errors that the test provokes."""

    page: Page
    host: str
    expected: tuple[str, ...] = ()
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.console.append(message.text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.host:
            self.elsewhere.append(request.url)

    def check(self) -> None:
        unexpected = [line for line in self.console if not any(part in line for part in self.expected)]
        assert (unexpected, self.errors, self.elsewhere) == ([], [], [])


@pytest.fixture(scope="package")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    replay = tmp_path_factory.mktemp("replay")
    arguments = ("--speed", "0", "--replay", str(replay))
    with running(lambda folder: Sandbox(folder, *arguments, epoch=SOLD_OUT)) as sandbox:
        yield Exchange(sandbox, replay)


@pytest.fixture(scope="package")
def gateway(exchange: Exchange) -> Iterator[Gateway]:
    with running(lambda folder: Gateway(folder, **exchange.sandbox.environment())) as gateway:
        gateway.manage("shell", "-c", SHORTEN)
        yield gateway


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "exchange" in request.fixturenames:
        exchange: Exchange = request.getfixturevalue("exchange")
        exchange.sandbox.heal()
        for file in exchange.replay.iterdir():
            file.unlink()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(
            f"No Chromium on PATH ({', '.join(NAMES)}); on Debian and Ubuntu: apt-get install chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def signed_in(browser: Browser, gateway: Gateway) -> Iterator[BrowserContext]:
    """The browser of somebody who spent the link that the start printed."""
    context = browser.new_context(timezone_id="America/New_York", locale="en-US")
    page = context.new_page()
    page.goto(gateway.sign_in_link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{gateway.base_url}/")
    page.close()
    yield context
    context.close()


@pytest.fixture
def dashboard(signed_in: BrowserContext, gateway: Gateway) -> Iterator[Watched]:
    """The page of a signed-in person with its first numbers on it."""
    cookies: Any = signed_in.cookies()
    watched = Watched(signed_in.new_page(), urlsplit(gateway.base_url).netloc)
    watched.page.goto(gateway.base_url)
    for name in ("positions", "orders", "events"):
        watched.page.locator(f"#{name} .table-scroll, #{name} .empty").locator("visible=true").wait_for()
    yield watched
    watched.page.close()
    signed_in.set_offline(False)
    signed_in.add_cookies(cookies)
    watched.check()


@pytest.fixture(scope="package")
def modules(browser: Browser, gateway: Gateway) -> Iterator[Page]:
    """A page without a script of its own, in which the modules are tried one by one."""
    context = browser.new_context(timezone_id="America/New_York", locale="en-US")
    page = context.new_page()
    page.route("**/api/**", refuse)
    page.goto(f"{gateway.base_url}/sign-in/")
    yield page
    context.close()


def refuse(route: Route) -> None:
    route.abort()
