from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from dashboard.env import parse
from dashboard.public_address import base_url

HERE = ("127.0.0.1", "localhost", "[::1]")


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("LocalHost", "localhost"),
        ("::1", "[::1]"),
        ("0:0:0:0:0:0:0:1", "[::1]"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("0:0:0:0:0:0:0:0", "127.0.0.1"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, shown: str) -> None:
    assert base_url(host, 8000, HERE, https_only=False) == f"http://{shown}:8000"


@pytest.mark.parametrize(
    ("host", "allowed", "shown"),
    [
        ("dash.local", ("dash.local",), "dash.local"),
        ("dash.local", (".local",), "dash.local"),
        ("2001:db8::7", ("*",), "[2001:db8::7]"),
        ("192.168.1.5", ("localhost", "192.168.1.5"), "192.168.1.5"),
        ("192.168.1.5", ("127.0.0.1", "dash.example.com"), "dash.example.com"),
        ("10.0.0.5", ("203.0.113.7",), "203.0.113.7"),
        ("0.0.0.0", ("dash.example.com",), "dash.example.com"),
        ("0.0.0.0", ("*",), "127.0.0.1"),
        ("0.0.0.0", ("localhost",), "localhost"),
        ("127.0.0.1", ("localhost",), "localhost"),
        ("127.0.0.1", ("dash.example.com",), "dash.example.com"),
    ],
)
def test_it_is_one_that_is_served(host: str, allowed: tuple[str, ...], shown: str) -> None:
    assert base_url(host, 8000, allowed, https_only=False) == f"http://{shown}:8000"
    assert validate_host(shown, allowed)


@pytest.mark.parametrize(
    ("host", "allowed", "missing"),
    [
        ("192.168.1.5", HERE, "192.168.1.5"),
        ("dash.local", HERE, "dash.local"),
        ("Dash.Local", HERE, "dash.local"),
        ("2001:db8::7", HERE, "[2001:db8::7]"),
        ("127.0.0.2", HERE, "127.0.0.2"),
        ("dash.local", (".example.com",), "dash.local"),
        ("0.0.0.0", (".example.com",), "127.0.0.1"),
    ],
)
def test_where_none_is_served_a_sentence_says_what_to_add(
    host: str, allowed: tuple[str, ...], missing: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as told:
        base_url(host, 8000, allowed, https_only=False)
    sentence = str(told.value)
    assert sentence.startswith(f"HOST is {host!r}, but DJANGO_ALLOWED_HOSTS has only {', '.join(allowed)}")
    assert sentence.endswith(f"add {missing}, or the name that people open, to DJANGO_ALLOWED_HOSTS.")
    added = parse({"DJANGO_ALLOWED_HOSTS": ",".join([*allowed, missing])})["DJANGO_ALLOWED_HOSTS"]
    assert base_url(host, 8000, added, https_only=False) == f"http://{missing}:8000"


def test_so_does_one_behind_https_where_no_whole_name_is_served() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"DJANGO_ALLOWED_HOSTS has only \.example\.com"):
        base_url("127.0.0.1", 8000, (".example.com",), https_only=True)


@pytest.mark.parametrize(
    ("host", "allowed", "shown"),
    [
        ("0.0.0.0", ("*", ".example.com", "dash.example.com"), "dash.example.com"),
        ("::1", ("*",), "[::1]"),
        ("::1", ("[::1]",), "[::1]"),
    ],
)
def test_behind_https_it_is_the_first_name_that_is_served(
    host: str, allowed: tuple[str, ...], shown: str
) -> None:
    assert base_url(host, 8000, allowed, https_only=True) == f"https://{shown}"
