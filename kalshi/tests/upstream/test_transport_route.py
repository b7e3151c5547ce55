import ssl
from pathlib import Path
from queue import SimpleQueue

import pytest

from kalshi.errors import (
    ConfigError,
    UpstreamUnavailable,
)
from kalshi.tests.upstream.asking import get
from kalshi.tests.upstream.raw_server import BODY, Line, Request, answer, serving
from kalshi.upstream.transport import RequestsTransport


def test_a_proxy_is_never_used_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(answer(BODY)) as server:
        assert get(server.url).body == BODY


def test_a_proxy_of_the_environment_is_used_and_its_password_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def proxy(line: Line) -> None:
        request = line.read_request()
        assert request is not None
        seen.put(request)
        line.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    seen: SimpleQueue[Request] = SimpleQueue()
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(proxy) as server:
        address = server.url.removeprefix("http://").partition("/")[0]
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@{address}")
        with pytest.raises(UpstreamUnavailable, match="proxy") as error:
            get("https://kalshi.invalid/trade-api/v2")
    assert seen.get(timeout=5).method == "CONNECT"
    assert "hunter2" not in str(error.value) and error.value.__cause__ is None


def test_a_missing_ca_bundle_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        RequestsTransport("https://kalshi.invalid/trade-api/v2")


def test_an_untrusted_certificate_is_refused(tls: tuple[ssl.SSLContext, Path]) -> None:
    with serving(answer(BODY), tls[0]) as server, pytest.raises(UpstreamUnavailable, match="TLS certificate"):
        get(server.url)
