import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import ConfigError
from kalshi.upstream.hosts import REST_BASE, WS_BASE, checked_base_url, checked_ws_url, is_loopback


@pytest.mark.parametrize(
    "url",
    [
        *REST_BASE.values(),
        "http://127.0.0.1:8001/trade-api/v2",
        "http://localhost/trade-api/v2",
        "http://[::1]:8/trade-api/v2",
        "https://proxy.example/kalshi/trade-api/v2",
    ],
)
def test_it_takes_https_and_loopback_http(url: str) -> None:
    assert checked_base_url(url) == checked_base_url(url + "/") == url


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://external-api.kalshi.com", REST_BASE["prod"]),
        ("https://external-api.kalshi.com/", REST_BASE["prod"]),
        ("HTTPS://External-API.Kalshi.com:443/trade-api/v2", REST_BASE["prod"]),
        ("https://external-api.kalshi.com:/trade-api/v2//", REST_BASE["prod"]),
        ("http://localhost:80", "http://localhost/trade-api/v2"),
        ("http://[::1]:8001", "http://[::1]:8001/trade-api/v2"),
    ],
)
def test_what_has_one_meaning_is_spelt_as_kalshi_does(url: str, meant: str) -> None:
    assert checked_base_url(url) == meant


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://x.example/v1", "found the path '/v1': write https://x.example/trade-api/v2."),
        ("https://X.example:444/v2", "write https://x.example:444/trade-api/v2."),
        (
            "https://external-api.kalshi.com/trade-api/v2/portfolio/balance",
            "found the path '/trade-api/v2/portfolio/balance': write https://external-api.kalshi.com/trade-api/v2.",
        ),
        ("https://x.example/a/../trade-api/v2", "write https://x.example/trade-api/v2."),
        ("https://x.example//trade-api/v2", "write https://x.example/trade-api/v2."),
        ("https://x.example/trade-api/ws/v2", "write https://x.example/trade-api/v2."),
        ("https://kalshi.com", "'kalshi.com' is no host of Kalshi's API."),
        ("https://www.kalshi.com/trade-api/v2", "'www.kalshi.com' is no host of Kalshi's API."),
        ("https://demo.kalshi.co/trade-api/v2", "'demo.kalshi.co' is no host of Kalshi's API."),
    ],
)
def test_an_address_under_which_the_api_does_not_stand_is_refused_with_the_right_one(
    url: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=r"^KALSHI_BASE_URL must be") as refusal:
        checked_base_url(url)
    assert refusal.value.message.endswith(told)


def test_the_address_of_the_stream_has_a_path_of_its_own() -> None:
    assert checked_ws_url("WSS://external-api-ws.kalshi.com") == WS_BASE["prod"]
    with pytest.raises(ConfigError, match=r"write wss://x.example/trade-api/ws/v2\.$"):
        checked_ws_url("wss://x.example/trade-api/v2")


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
        taken = checked_base_url(text)
        assert taken.startswith(("https://", "http://")) and taken.endswith("/trade-api/v2")
        assert checked_base_url(taken) == taken
    except ConfigError as refusal:
        assert refusal.message.endswith(".")
