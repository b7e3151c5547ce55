from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import ConfigError
from kalshi.upstream.route import Route, choose

KALSHI = "https://external-api.kalshi.com/trade-api/v2"


@pytest.mark.parametrize(
    ("environ", "proxy", "shown"),
    [
        ({}, "", ""),
        ({"HTTP_PROXY": "http://p:1"}, "", ""),
        ({"HTTPS_PROXY": " "}, "", ""),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1", "p:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "p:1"}, "http://p:1", "p:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "HTTPS://p:1/"}, "https://p:1", "p:1 (HTTPS_PROXY)"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://p:1"}, "http://low:1", "low:1 (HTTPS_PROXY)"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://p:1"}, "", ""),
        ({"ALL_PROXY": "http://all:1"}, "http://all:1", "all:1 (ALL_PROXY)"),
        ({"ALL_PROXY": "http://all:1", "HTTPS_PROXY": "http://p:1"}, "http://p:1", "p:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://u:p%40@[::1]:1"}, "http://u:p%40@[::1]:1", "[::1]:1 (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "kalshi.com"}, "", ""),
        ({"HTTPS_PROXY": "socks5://p:1", "no_proxy": "*"}, "", ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.com"}, "http://p:1", "p:1 (HTTPS_PROXY)"),
    ],
)
def test_the_variables_choose_the_proxy(environ: dict[str, str], proxy: str, shown: str) -> None:
    assert choose(KALSHI, environ) == Route(proxy, shown)


@pytest.mark.parametrize("host", ["http://127.0.0.1:8001", "https://localhost:8001", "https://[::1]"])
def test_loopback_is_reached_without_one(host: str) -> None:
    assert choose(f"{host}/trade-api/v2", {"HTTPS_PROXY": "socks5://p:1", "ALL_PROXY": "p:1"}).proxy == ""


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("socks5://p:1", "found the scheme 'socks5'; SOCKS is not supported"),
        ("SOCKS5H://u:hunter2@p:1", "found the scheme 'socks5h'; SOCKS is not supported"),
        ("http://u:hunter2#x@p:1", "%23 for #"),
        ("http://u:hunter2/x@p:1", "%23 for #"),
        ("http://u:hunter2?x@p:1", "%23 for #"),
        ("http://u:hunter2@x@p:1", "%23 for #"),
        ("http://u:hunter2%x@p:1", "%25 for %"),
        ("http://", "host and port cannot be read"),
        ("http://u:hunter2", "host and port cannot be read"),
        ("http://p:0", "host and port cannot be read"),
        ("http://p:99999", "host and port cannot be read"),
        ("http://p:1/path", "host and port cannot be read"),
    ],
)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_one_sentence(variable: str, proxy: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose(KALSHI, {variable: proxy})
    assert caught.value.message.startswith(f"{variable} must be the address of an HTTP proxy")
    assert words in caught.value.message and "hunter2" not in caught.value.message


@given(st.text(max_size=40))
def test_any_text_is_a_proxy_or_a_sentence(text: str) -> None:
    try:
        route = choose(KALSHI, {"HTTPS_PROXY": f"http://ada:hunter2{text}@p:1"})
    except ConfigError as problem:
        assert "hunter2" not in problem.message
    else:
        assert route.shown == "p:1 (HTTPS_PROXY)" and "hunter2" not in repr(route)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_are_taken_from_each_variable_or_missed(name: str) -> None:
    assert choose(KALSHI, {name: __file__}).ca_bundle == __file__
    with pytest.raises(ConfigError, match=rf"^{name} must be a file of certificates"):
        choose(KALSHI, {name: "/nowhere/ca.pem"})


def test_the_first_of_them_goes_first() -> None:
    environ = {"REQUESTS_CA_BUNDLE": __file__, "SSL_CERT_FILE": "/nowhere/ca.pem"}
    assert choose(KALSHI, environ).ca_bundle == __file__
