from __future__ import annotations

import pytest

from dashboard.public_address import base_url


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("dash.local", "dash.local"),
        ("::1", "[::1]"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("0:0:0:0:0:0:0:0", "127.0.0.1"),
    ],
)
def test_the_address_is_one_that_a_browser_can_open(host: str, shown: str) -> None:
    assert base_url(host, 8000, (), https_only=False) == f"http://{shown}:8000"


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
