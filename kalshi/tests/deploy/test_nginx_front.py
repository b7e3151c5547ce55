"""The real nginx with our configuration before the real gateway: what a person and a program see through it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import signal
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
import requests

from kalshi.tests.deploy.nginx import HOST, Nginx
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import parse_private_key
from kalshi.upstream.signing import signature_headers

BALANCE = "/api/v1/kalshi/balance/"
PERSON, SPOOFED = "127.0.0.9", "203.0.113.9"


class Front(NamedTuple):
    nginx: Nginx
    gateway: Gateway
    sandbox: Sandbox

    def token(self) -> str:
        """A new token's header value."""
        made = self.gateway.manage("create_token", "--user", "owner", "--name", "nginx").strip()
        return f"Bearer {made}"

    def sign_in(self) -> requests.Session:
        """A browser that opened a new link and pressed its button."""
        link = self.gateway.manage("sign_in_link", "--user", "owner").strip()
        browser = requests.Session()
        browser.trust_env = False  # a bundle named in the environment would take the place of our certificate
        browser.verify = str(self.nginx.certificate)
        address = self.nginx.url + urlsplit(link).path
        page = browser.get(address, timeout=10)
        assert page.status_code == 200
        field = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert field is not None
        headers = {"Origin": self.nginx.url, "Referer": address}
        answer = browser.post(
            address, {"csrfmiddlewaretoken": field[1]}, headers=headers, timeout=10, allow_redirects=False
        )
        assert (answer.status_code, answer.headers["Location"]) == (302, "/"), answer.text
        return browser


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(running(Sandbox))
        environment = sandbox.environment() | {"TRUSTED_PROXIES": HOST}
        gateway = stack.enter_context(running(lambda folder: Gateway(folder, **environment)))
        changes = {"proxy_read_timeout 20s;": "proxy_read_timeout 2s;"}
        nginx = stack.enter_context(Nginx(tmp_path_factory.mktemp("nginx"), gateway.port, changes=changes))
        yield Front(nginx, gateway, sandbox)


def test_everything_travels_over_tls_1_2_or_newer(front: Front) -> None:
    plain = HTTPConnection(HOST, front.nginx.http_port, timeout=5)
    with contextlib.closing(plain):
        plain.request("GET", "/sign-in/?next=/x", headers={"Host": "elsewhere.example"})
        answer = plain.getresponse()
        assert (answer.status, answer.headers["Location"]) == (308, f"https://{HOST}/sign-in/?next=/x")
    assert tls_version(front.nginx, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert tls_version(front.nginx, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):  # refused by nginx, not by us
            tls_version(front.nginx, ssl.TLSVersion.TLSv1_1)


def tls_version(nginx: Nginx, only: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=str(nginx.certificate))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = only
    with (
        socket.create_connection((HOST, nginx.port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=HOST) as wrapped,
    ):
        return wrapped.version()


def test_a_person_signs_in_reads_and_signs_out(front: Front) -> None:
    browser = front.sign_in()
    assert {(cookie.name, cookie.secure) for cookie in browser.cookies} == {
        ("sessionid", True),
        ("csrftoken", True),
    }
    assert "Sign out" in browser.get(front.nginx.url, timeout=10).text
    answer = browser.get(front.nginx.url + BALANCE, timeout=10)
    assert (answer.status_code, answer.json()["balance"] > 0) == (200, True)
    session = browser.cookies["sessionid"]
    page = browser.get(front.nginx.url, timeout=10).text
    field = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert field is not None
    headers = {"Origin": front.nginx.url, "Referer": front.nginx.url + "/"}
    signed_out = browser.post(
        f"{front.nginx.url}/sign-out/", {"csrfmiddlewaretoken": field[1]}, headers=headers, timeout=10
    )
    assert signed_out.status_code == 200
    stops_within(front.nginx, 5, Cookie=f"sessionid={session}")
    browser.close()


def test_another_sites_form_cannot_sign_anybody_in(front: Front) -> None:
    link = urlsplit(front.gateway.manage("sign_in_link", "--user", "owner").strip()).path
    response, _ = front.nginx.get(link, method="POST", body="", Origin="https://elsewhere.example")
    assert response.status == 403


def stops_within(nginx: Nginx, limit_s: float, **credential: str) -> None:
    """Ask in both APIs, many at once and without a pause, so that whatever remembers is kept warm."""
    over = time.monotonic() + limit_s

    def statuses(path: str) -> list[int]:
        while time.monotonic() < over:
            nginx.get(path, **credential)
        return [nginx.get(path, **credential)[0].status for _ in range(20)]

    paths = [BALANCE, "/trade-api/v2/portfolio/balance"] * 4
    with ThreadPoolExecutor(len(paths)) as pool:
        assert set(itertools.chain(*pool.map(statuses, paths))) == {401}


def test_a_revoked_token_stops_within_five_seconds(front: Front) -> None:
    token = front.token()
    assert front.nginx.get(BALANCE, Authorization=token)[0].status == 200
    mark = token.split()[1][:15]
    revoke = f"from kalshi.models import ApiToken; ApiToken.objects.get(token_key={mark!r}).delete()"
    front.gateway.manage("shell", "-c", revoke)
    stops_within(front.nginx, 5, Authorization=token)


def test_nobody_is_answered_with_what_another_was_let_see(front: Front) -> None:
    browser, token = front.sign_in(), front.token()
    cookie = f"sessionid={browser.cookies['sessionid']}"
    browser.close()
    good: list[dict[str, str]] = [{"Authorization": token}, {"Cookie": cookie}]
    bad: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer " + "0" * 64},
        {"Authorization": token[:-1]},
        {"Authorization": token + "0"},
        {"X-Kalshi-Account": token},
        {"Cookie": "sessionid=" + "0" * 32},
        {"Cookie": token},
        {"Origin": token},
    ]
    for _ in range(2):
        for caller in good:
            assert front.nginx.get(BALANCE, **caller)[0].status == 200
        for caller in bad:
            response, body = front.nginx.get(BALANCE, **caller)
            assert (response.status, json.loads(body)["code"]) == (401, "not_signed_in"), caller


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_signed_request_is_let_in(front: Front, method: str) -> None:
    made = json.loads(
        front.gateway.manage("keys", "create", "--user", "owner", "--label", method, "--json").strip()
    )
    key = Credentials(made["key_id"], parse_private_key(made["private_key"], source="the test"))
    path = "/trade-api/v2/portfolio/balance"
    headers = signature_headers(key, method, path, int(time.time() * 1000))
    response, body = front.nginx.get(path, method=method, **headers)
    assert (response.status, bool(body)) == (200, method == "GET")


def test_the_gateway_logs_the_callers_address_and_not_a_claimed_one(front: Front) -> None:
    claims = {"X-Forwarded-For": SPOOFED, "Forwarded": f"for={SPOOFED}", "X-Real-IP": SPOOFED}
    for path in ("/readyz", "/api/v1/kalshi/orders/"):
        response, _ = front.nginx.get(path, source=PERSON, X_Request_ID=f"who-asks-{path[-4:-1]}", **claims)
        assert response.status in {200, 401}

    def peers() -> list[str]:
        lines = [
            line for line in list(front.gateway.process.lines) if "who-asks-" in line and '"peer"' in line
        ]
        return [json.loads(line)["peer"] for line in lines]

    assert wait_until(lambda: len(peers()) == 2 and peers(), 20, "two lines") == [PERSON, PERSON]
    assert SPOOFED not in front.gateway.process.output
    wait_until(lambda: PERSON in front.nginx.access_log(), 20, "nginx's line")


def test_security_headers_come_once(front: Front) -> None:
    once = (
        "X-Frame-Options",
        "X-Content-Type-Options",
        "Referrer-Policy",
        "Strict-Transport-Security",
        "X-Request-ID",
        "Date",
    )
    token = front.token()
    for path in ("/sign-in/", BALANCE, BALANCE, "/api/v1/status/", "/nothing"):
        response, _ = front.nginx.get(path, Authorization=token)
        counted = {name: len(response.headers.get_all(name) or ()) for name in once}
        assert set(counted.values()) == {1}, (path, counted)
        assert response.headers["Server"] == "nginx"


def test_bodies_and_freshness_headers_arrive_as_the_gateway_sends_them(front: Front) -> None:
    told = ("ETag", "Cache-Control", "Vary", "Content-Type", "Content-Length")
    for path in (BALANCE, "/api/v1/kalshi/events/?limit=5", "/api/v1/kalshi/orders"):
        direct = front.gateway.get(path)
        for _ in range(2):
            response, body = front.nginx.get(path, Authorization=f"Bearer {front.gateway.token}")
            assert body == direct.content
            assert {name: response.headers[name] for name in told} == {
                name: direct.headers[name] for name in told
            }
            assert 0 <= int(response.headers["Age"]) - int(direct.headers["Age"]) <= 2
            assert response.headers["Cache-Status"].startswith("kalshi; ")


def test_another_origin_gets_its_own_answer_and_its_preflight(front: Front) -> None:
    caller = {"Authorization": f"Bearer {front.gateway.token}"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    response, _ = front.nginx.get(BALANCE, method="OPTIONS", Origin="https://elsewhere.example", **asked)
    assert response.status in {200, 204}
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response, body = front.nginx.get(BALANCE, method=method, body="{}", **caller)
        assert (response.status, json.loads(body)["code"]) == (405, "read_only")


def test_a_stopped_gateway_is_bridged_for_its_callers(front: Front) -> None:
    """Frozen with its connections open, which is the worst way of not answering."""
    token, frozen = front.token(), front.gateway.process.popen.pid
    first = front.nginx.get(BALANCE, Authorization=token)
    assert first[0].status == 200
    front.gateway.process.popen.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: stopped(frozen), 20, "the stop")
        found = wait_until(
            lambda: (
                (answer := front.nginx.get(BALANCE, Authorization=token))
                and "gateway_unavailable" in answer[0].headers["Cache-Status"]
                and answer
            ),
            15,
            "the last known answer",
        )
        assert (found[0].status, found[1]) == (200, first[1])
        assert found[0].headers["Age"] is None
        response, body = front.nginx.get("/api/v1/status/", Authorization=token)
        assert (response.status, json.loads(body)["code"]) == (503, "gateway_unavailable")
    finally:
        front.gateway.process.popen.send_signal(signal.SIGCONT)
    wait_until(lambda: front.nginx.get(BALANCE, Authorization=token)[0].headers["Age"], 20, "a live answer")


def stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


def test_the_code_of_a_sign_in_link_is_in_no_log(front: Front) -> None:
    link = front.gateway.manage("sign_in_link", "--user", "owner").strip()
    code = urlsplit(link).path.split("/")[2]
    encoded = "".join(f"%2525{ord(digit):x}" for digit in code)
    spellings = [
        *(
            f"/{start}{code}/"
            for start in ("sign-in/", "SIGN-IN/", "sign-in%20/", "sign-in/code/", "sign-in/x/../")
        ),
        *(
            f"/{start}{code}"
            for start in ("sign_in/", "sign-in/%0a", "sign-in%5C", "?next=/sign-in/", "%2525")
        ),
        f"/SIGN-IN/{code[:9]}%0D%0A{code[9:]}",
        f"/.well-known/acme-challenge/{code}",
        f"/SIGN-IN/{encoded}/",
    ]
    for path in spellings:
        for method in ("GET", "POST"):
            front.nginx.get(path, method=method, Referer=link)
    front.gateway.process.popen.send_signal(signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(len(spellings)) as threads:  # each waits for the gateway in vain
            answers = list(threads.map(lambda path: front.nginx.get(path, Referer=link)[0].status, spellings))
    finally:
        front.gateway.process.popen.send_signal(signal.SIGCONT)
    assert set(answers) == {504}
    wait_until(lambda: front.nginx.get("/sign-in/")[0].status == 200, 20, "the gateway")
    plain = HTTPConnection(HOST, front.nginx.http_port, timeout=30)
    with contextlib.closing(plain):
        plain.request("GET", f"/.well-known/acme-challenge/{code}")
        assert plain.getresponse().status == 404
    front.nginx.get("/sign-in/", X_Request_ID="after-the-code")
    wait_until(lambda: "after-the-code" in front.nginx.access_log(), 20, "the last line")
    assert "/sign-in/***" in front.nginx.access_log()
    files = [path.read_bytes() for path in front.nginx.folder.rglob("*") if path.is_file()]
    for part in (code, code[9:], encoded, encoded.replace("%25", "%", 1).replace("%2525", "%25")):
        assert not any(part.encode() in content for content in files)


def test_static_files_arrive(front: Front) -> None:
    for _ in range(2):
        response, body = front.nginx.get("/static/kalshi/js/main.js", Accept_Encoding="gzip")
        assert (response.status, bool(body)) == (200, True)


def test_nobody_can_ask_the_gateway_for_another_protocol(tmp_path: Path) -> None:
    """Its connections to the gateway carry everybody's requests."""
    seen: list[bytes] = []
    with socket.create_server((HOST, 0)) as listener, Nginx(tmp_path, listener.getsockname()[1]) as nginx:
        threading.Thread(target=answer_one, args=(listener, seen), daemon=True).start()
        response, _ = nginx.get("/ws/", Connection="Upgrade", Upgrade="websocket", Cookie="a=b")
    assert response.status == 404
    [head] = seen
    assert b"cookie: a=b" in head and b"upgrade" not in head


def answer_one(listener: socket.socket, seen: list[bytes]) -> None:
    while not seen:
        connection, _ = listener.accept()
        with connection:
            head = connection.recv(4000)
            if head:  # else the test's own look whether anybody listens
                seen.append(head.lower())
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
