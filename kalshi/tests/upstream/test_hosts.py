import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import ConfigError
from kalshi.upstream.hosts import REST_BASE, checked_base_url, is_loopback


@pytest.mark.parametrize(
    "url",
    [*REST_BASE.values(), "http://127.0.0.1:8001/trade-api/v2", "http://localhost/x", "http://[::1]:8/x"],
)
def test_it_takes_https_and_loopback_http(url: str) -> None:
    assert checked_base_url(url) == checked_base_url(url + "/") == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://api.kalshi.com/trade-api/v2", "scheme 'http'"),
        ("http://127.0.0.1.evil.example/", "scheme 'http'"),
        ("ftp://127.0.0.1/x", "scheme 'ftp'"),
        ("https://user:hunter2@kalshi.com/x", "user name and password"),
        ("https://kalshi.com/x?y=1", "nothing else"),
        ("https://kalshi.com/x#y", "nothing else"),
        ("https:///x", "nothing else"),
        ("kalshi.com", "nothing else"),
        ("", "nothing else"),
        ("https://kalshi.com:99999/", "cannot be read"),
        ("https://[::1/", "cannot be read"),
        ("https://kalshi.com/\r\nX: 1", "characters"),
        ("https://kälshi.com/", "characters"),
    ],
)
def test_it_refuses_the_rest_and_repeats_no_password(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"^KALSHI_BASE_URL must be") as refusal:
        checked_base_url(url)
    assert told in refusal.value.message
    assert "hunter2" not in refusal.value.message


def test_loopback_is_only_this_machine() -> None:
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"]))
    assert not any(map(is_loopback, ["10.0.0.1", "0.0.0.0", "localhost.evil.example", "", "2130706433"]))


@given(st.text())
def test_any_text_is_taken_or_a_config_error(text: str) -> None:
    try:
        assert checked_base_url(text).startswith(("https://", "http://"))
    except ConfigError as refusal:
        assert refusal.message.endswith(".")
