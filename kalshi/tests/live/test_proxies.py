"""Whose `X-Forwarded-*` is believed: only that of TRUSTED_PROXIES, of which loopback is none unless it is listed."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from itertools import count

import pytest

from kalshi.server.serving import with_mapped
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

PROXY, STRANGER = "127.0.0.2", "127.0.0.1"
HOST = "dash.example.com"
ORIGIN = f"https://{HOST}"
_numbers = count()


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    env = sandbox.environment() | {
        "TRUSTED_PROXIES": f"{PROXY}, 10.0.0.0/8",
        "DJANGO_ALLOWED_HOSTS": f"127.0.0.1,{HOST}",
    }
    with running(lambda folder: Gateway(folder, **env)) as server:
        yield server


def ask(
    gateway: Gateway,
    peer: str,
    headers: list[tuple[str, str]],
    path: str = "/readyz",
    method: str = "GET",
    body: str = "",
) -> tuple[http.client.HTTPResponse, str]:
    """A request from the address `peer`."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20, source_address=(peer, 0))
    connection.putrequest(method, path, skip_host=any(name == "Host" for name, _ in headers))
    for name, value in headers:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body.encode())
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def logged_peer(gateway: Gateway, peer: str, *forwarded: str) -> str:
    request_id = f"proxy-test-{next(_numbers):04}"
    headers = [("X-Request-ID", request_id), *(("X-Forwarded-For", value) for value in forwarded)]
    ask(gateway, peer, headers)

    def line() -> str | None:
        found = [line for line in gateway.process.lines if request_id in line and '"access"' in line]
        return found[0] if found else None

    return str(json.loads(wait_until(line, 20, "the line in the access log"))["peer"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "logged"),
    [
        (STRANGER, ["9.9.9.9"], STRANGER),
        (PROXY, [], PROXY),
        (PROXY, ["9.9.9.9"], "9.9.9.9"),
        (PROXY, ["1.1.1.1, 9.9.9.9"], "9.9.9.9"),
        (PROXY, ["9.9.9.9, 10.0.0.7"], "9.9.9.9"),
        (PROXY, ["1.1.1.1, 9.9.9.9, 10.0.0.7"], "9.9.9.9"),
        (PROXY, ["10.9.9.9, 1.1.1.1", "9.9.9.9"], "9.9.9.9"),
        (PROXY, ["2001:db8::7"], "2001:db8::7"),
        (PROXY, ['1.1.1.1, "}{\\'], '"}{\\'),
        (PROXY, [""], PROXY),
    ],
)
def test_the_peer_is_the_last_address_that_no_trusted_hop_wrote(
    gateway: Gateway, peer: str, forwarded: list[str], logged: str
) -> None:
    assert logged_peer(gateway, peer, *forwarded) == logged


@pytest.mark.parametrize(
    ("peer", "scheme", "secure"),
    [(PROXY, "https", True), (PROXY, "http", False), (PROXY, "gopher", False), (STRANGER, "https", False)],
)
def test_the_scheme_is_believed_from_a_trusted_proxy_only(
    gateway: Gateway, peer: str, scheme: str, secure: bool
) -> None:
    answer, _ = ask(gateway, peer, [("X-Forwarded-Proto", scheme), ("Host", HOST)], "/sign-in/")
    assert (answer.getheader("Strict-Transport-Security") is not None) is secure
    assert ("Secure" in str(answer.getheader("Set-Cookie")).split("; ")) is secure


def sign_in(gateway: Gateway, peer: str) -> tuple[int, str]:
    """As a browser does through TLS: (status, cookie) of the sign-in form's answer."""
    link = gateway.manage("sign_in_link", "--user", "owner").strip().split(str(gateway.port))[1]
    headers = [("Host", HOST), ("X-Forwarded-Proto", "https")]
    page, text = ask(gateway, peer, headers, link)
    field = text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    headers += [
        ("Cookie", str(page.getheader("Set-Cookie")).split(";", maxsplit=1)[0]),
        ("Origin", ORIGIN),
        ("Referer", ORIGIN + link),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ]
    done, _ = ask(gateway, peer, headers, link, "POST", f"csrfmiddlewaretoken={field}")
    return done.status, "\n".join(done.headers.get_all("Set-Cookie") or [])


def test_people_sign_in_through_a_proxy_that_ends_tls(gateway: Gateway) -> None:
    status, cookies = sign_in(gateway, PROXY)
    assert status == 302
    (session,) = [line for line in cookies.splitlines() if line.startswith("sessionid=")]
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(session.split("; "))


def test_a_scheme_that_is_not_believed_fails_the_origin_check(gateway: Gateway) -> None:
    assert sign_in(gateway, STRANGER)[0] == 403


def test_an_ipv4_network_also_covers_its_spelling_on_a_socket_for_both_families() -> None:
    assert list(with_mapped(["10.0.0.0/8", "::1"])) == ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::1/128"]
