"""Whatever is accepted must be what a browser sends, and stay as it is when it is read again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard import env
from dashboard.env import hosts
from dashboard.tests.env.origins import ORIGINS

NO_ORIGINS = (
    "*",
    "null",
    "front.example",
    "//front.example",
    "ftp://front.example",
    "https://ada@front.example",
    "https://@front.example",
    "https://front.example/",
    "https://front.example?x",
    "https://front.example#x",
    "https://*.example",
    "https://front.example:99999",
    "https://front.example:0",
    "https://front.example:http",
    "https://127.1",
    "https://0x7f.0.0.1",
    "https://127.0.0.01",
    "https://[::ffff:1.2.3.4]",
    "https://[fe80::1%eth0]",
    "https://[::1",
    "https://front..example",
    "https://a b.example",
    "https://%66ront.example",
)
SERVED = {
    "Dash.Example.com": "dash.example.com",
    ".Example.org": ".example.org",
    "bücher.example": "xn--bcher-kva.example",
    "[0:0:0:0:0:0:0:1]": "[::1]",
    "10.1.2.3": "10.1.2.3",
    "*": "*",
}


@pytest.mark.parametrize(("given_text", "sent"), ORIGINS.items())
def test_an_origin_is_brought_into_the_form_that_browsers_send(given_text: str, sent: str) -> None:
    assert env.parse({"CORS_ALLOWED_ORIGINS": given_text})["CORS_ALLOWED_ORIGINS"] == (sent,)


@pytest.mark.parametrize("text", NO_ORIGINS)
def test_what_no_browser_sends_is_refused_and_named(text: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        env.parse({"CORS_ALLOWED_ORIGINS": f"https://good.example,{text}"})
    sentence = str(caught.value)
    assert sentence.startswith(
        f"CORS_ALLOWED_ORIGINS has {text.replace('ada@', '***@').replace('//@', '//***@')!r}"
    )
    assert "allowed: origins such as https://dash.example.com" in sentence


@pytest.mark.parametrize(("given_text", "compared"), SERVED.items())
def test_a_served_host_is_brought_into_the_form_that_django_compares(given_text: str, compared: str) -> None:
    assert env.parse({"DJANGO_ALLOWED_HOSTS": given_text})["DJANGO_ALLOWED_HOSTS"] == (compared,)


@pytest.mark.parametrize(
    "text", ["my_host", "127.1", "[fe80::1%eth0]", "[::ffff:1.2.3.4]", ".[::1]", "a.example."]
)
def test_a_host_that_never_matches_is_refused(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DJANGO_ALLOWED_HOSTS has"):
        env.parse({"DJANGO_ALLOWED_HOSTS": text})


@pytest.mark.parametrize(
    "read", [hosts.host, hosts.served_host, lambda text: hosts.origin(f"https://{text}")]
)
@given(text=st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=30))
@example(text="１２７.０.０.１")
def test_what_was_read_once_stays_as_it_is(read: Callable[[str], str], text: str) -> None:
    try:
        once = read(text)
    except ValueError:
        return
    assert once.isascii() and once == once.lower()
    assert read(once.removeprefix("https://")) == once


def test_what_is_named_twice_counts_once() -> None:
    twice = {"CORS_ALLOWED_ORIGINS": "https://a.example,https://A.example:443"}
    assert env.parse(twice)["CORS_ALLOWED_ORIGINS"] == ("https://a.example",)
