"""The pages for people, without a browser: who gets in, how links are spent, and what the HTML may contain."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from kalshi.models import SignInCode
from kalshi.tests.epochs import LONG_AGO

pytestmark = pytest.mark.django_db

STATIC = Path(settings.BASE_DIR) / "kalshi" / "static" / "kalshi"
PASSWORD = "a long password for tests"


@pytest.fixture
def person() -> Any:
    return get_user_model().objects.create_user("trader", password=PASSWORD)


@pytest.fixture
def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def link_of(person: Any) -> str:
    return reverse("sign-in-link", args=[SignInCode.issue(person)])


class Page(HTMLParser):
    """What a page would load or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        for name, value in attrs:
            if name in {"src", "href", "action", "data-status"} and value:
                self.addresses.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in {"script", "style"} and data.strip():
            self.inline.append(f"<{self._open}>{data[:40]}")


def all_pages(person: Any, signed_in: Client) -> Iterator[tuple[str, str]]:
    stranger = Client()
    yield "home", signed_in.get("/").content.decode()
    yield "sign-in", stranger.get("/sign-in/").content.decode()
    yield "link", stranger.get(link_of(person)).content.decode()
    yield "spent link", stranger.get("/sign-in/nonsense/").content.decode()


def test_a_stranger_is_sent_to_the_sign_in_page_and_back() -> None:
    answer = Client().get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/")


def test_the_page_is_never_kept_by_a_cache(signed_in: Client) -> None:
    answer = signed_in.get("/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "private" in answer["Cache-Control"]


@pytest.mark.parametrize(
    ("environment", "badge", "is_simulated"),
    [("prod", ">PROD<", False), ("demo", ">DEMO<", False), ("sandbox", ">SANDBOX<", True)],
)
def test_the_page_says_which_exchange_it_shows(
    signed_in: Client, settings: Any, environment: str, badge: str, is_simulated: bool
) -> None:
    settings.KALSHI = settings.KALSHI | {"ENVIRONMENT": environment}
    html = signed_in.get("/").content.decode()
    assert badge in html
    assert html.count('class="badge') == 1
    assert ("Simulated data" in html) is is_simulated


def test_only_staff_are_led_to_the_admin(person: Any, signed_in: Client) -> None:
    assert "/admin/" not in signed_in.get("/").content.decode()
    person.is_staff = True
    person.save()
    assert 'href="/admin/"' in signed_in.get("/").content.decode()


def test_a_link_signs_in_once_and_looking_at_it_spends_nothing(person: Any) -> None:
    link = link_of(person)
    preview = Client()
    for _ in range(3):
        assert preview.get(link).status_code == 200
        assert preview.head(link).status_code == 200
    client = Client()
    assert client.post(link)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert "_auth_user_id" not in preview.session

    second = Client()
    answer = second.post(link)
    assert answer.status_code == 410
    assert "used up or expired" in answer.content.decode()
    assert second.get("/").status_code == 302


@pytest.mark.parametrize("fault", ["expired", "unknown", "inactive user"])
def test_a_link_that_is_no_good_says_how_to_get_another(person: Any, fault: str) -> None:
    link = "/sign-in/nonsense/" if fault == "unknown" else link_of(person)
    if fault == "expired":
        SignInCode.objects.update(expires_at=LONG_AGO)
    if fault == "inactive user":
        get_user_model().objects.update(is_active=False)
    client = Client()
    for answer in (client.get(link), client.post(link)):
        assert answer.status_code == 410
        assert "manage.py sign_in_link --user NAME" in answer.content.decode()
        assert 'method="post"' not in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_the_code_in_the_address_does_not_travel_on(person: Any) -> None:
    answer = Client().get(link_of(person))
    assert answer["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer["Cache-Control"]


def test_spending_a_link_needs_the_token_of_its_page(person: Any) -> None:
    link = link_of(person)
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert Client().get(link).status_code == 200


def test_a_password_signs_in_and_leads_back(person: Any) -> None:
    client = Client()
    form = {"username": "trader", "password": PASSWORD, "next": "/admin/"}
    assert client.post("/sign-in/", form)["Location"] == "/admin/"
    assert client.get("/").status_code == 200


def test_a_wrong_password_is_refused_with_a_sentence(person: Any) -> None:
    client = Client()
    html = client.post("/sign-in/", {"username": "trader", "password": "wrong"}).content.decode()
    assert 'role="alert"' in html
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_host(person: Any, target: str) -> None:
    form = {"username": "trader", "password": PASSWORD, "next": target}
    assert Client().post("/sign-in/", form)["Location"] == "/"


def test_the_sign_in_page_says_how_to_get_a_link() -> None:
    assert ".venv/bin/python manage.py sign_in_link --user NAME" in Client().get("/sign-in/").content.decode()


def test_signing_out_ends_the_session_and_empties_the_browsers_cache(signed_in: Client) -> None:
    assert signed_in.get("/sign-out/").status_code == 405
    assert signed_in.get("/").status_code == 200
    answer = signed_in.post("/sign-out/")
    assert answer["Location"] == "/sign-in/"
    assert answer["Clear-Site-Data"] == '"cache"'
    assert signed_in.get("/").status_code == 302
    assert signed_in.get("/api/v1/status").status_code == 401


def test_no_page_has_inline_code_or_styles_or_another_host(person: Any, signed_in: Client) -> None:
    for name, html in all_pages(person, signed_in):
        page = Page(html)
        assert page.inline == [], name
        assert page.addresses, name
        assert [address for address in page.addresses if not address.startswith(("/", "#"))] == [], name
        assert [address for address in page.addresses if address.startswith("//")] == [], name


def test_every_static_file_that_a_page_names_exists(person: Any, signed_in: Client) -> None:
    named = {
        address.removeprefix(f"/{settings.STATIC_URL.strip('/')}/")
        for _, html in all_pages(person, signed_in)
        for address in Page(html).addresses
        if "static" in address
    }
    assert len(named) >= 4
    assert [name for name in sorted(named) if finders.find(name) is None] == []


def test_every_module_that_a_module_imports_exists_and_is_used() -> None:
    imports = re.compile(r'from "\./([\w-]+\.js)"')
    used = {"main.js"}
    for module in (STATIC / "js").glob("*.js"):
        used |= set(imports.findall(module.read_text()))
    assert used == {module.name for module in (STATIC / "js").glob("*.js")}


def test_no_script_makes_markup_from_text() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc"
    )
    for module in (STATIC / "js").glob("*.js"):
        assert forbidden.search(module.read_text()) is None, module.name


def test_styles_and_scripts_name_no_other_host() -> None:
    elsewhere = re.compile(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import")
    files = [file for file in STATIC.rglob("*") if file.suffix in {".js", ".css", ".svg"}]
    assert len(files) > 10
    assert [file.name for file in files if elsewhere.search(file.read_text())] == []
