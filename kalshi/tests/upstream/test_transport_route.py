import contextlib
import socket
import ssl
from pathlib import Path
from queue import SimpleQueue

import pytest

from kalshi.errors import (
    ConfigError,
    KalshiError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from kalshi.tests.servers import free_port
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


PROXY = "http://user:hunter2@{place}"


def asked_through(proxy: str) -> KalshiError:
    transport = RequestsTransport(
        "https://kalshi.invalid/trade-api/v2", environ={"HTTPS_PROXY": proxy}, connect_s=0.5
    )
    with contextlib.closing(transport), pytest.raises(KalshiError) as caught:
        transport.get("/exchange/status", (), sign=None, deadline_s=5, request_id="x")
    assert "hunter2" not in caught.value.message and caught.value.__cause__ is None
    return caught.value


def test_a_proxy_where_nobody_listens_is_named_with_its_variable() -> None:
    place = f"127.0.0.1:{free_port()}"
    said = asked_through(PROXY.format(place=place))
    assert said.message == f"The proxy {place} (HTTPS_PROXY) does not answer, so Kalshi cannot be reached."


def test_a_proxy_with_an_unknown_name_is_named() -> None:
    said = asked_through(PROXY.format(place="proxy.invalid:3128"))
    assert (
        said.message == "The proxy proxy.invalid:3128 (HTTPS_PROXY) has a host name that cannot be resolved."
    )


def test_a_proxy_that_takes_no_connection_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, contextlib.ExitStack() as full:
        address = deaf.getsockname()
        for _ in range(2):  # a queue that is full leaves a new connection without an answer
            waiting = full.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        said = asked_through(PROXY.format(place=f"127.0.0.1:{address[1]}"))
    assert isinstance(said, UpstreamTimeout)
    assert "(HTTPS_PROXY) does not answer" in said.message


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_is_named_with_its_status(status: int) -> None:
    def proxy(line: Line) -> None:
        line.read_request()
        line.send(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())

    with serving(proxy) as server:
        said = asked_through(PROXY.format(place=server.url.split("/")[2]))
    assert said.message.endswith(f"(HTTPS_PROXY) refuses to connect to Kalshi ({status}).")


def test_a_missing_ca_bundle_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        RequestsTransport("https://kalshi.invalid/trade-api/v2")


def test_an_untrusted_certificate_is_refused(tls: tuple[ssl.SSLContext, Path]) -> None:
    with serving(answer(BODY), tls[0]) as server, pytest.raises(UpstreamUnavailable, match="TLS certificate"):
        get(server.url)
