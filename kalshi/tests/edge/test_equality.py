"""The edge says what Django says: every endpoint, header variant, method, host and caller through both ways.

A request with two `X-Request-ID` headers always takes the way through Django; nothing else differs.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from itertools import product

import pytest

from kalshi.tests.gateway.signing import Signer, create_at
from kalshi.tests.live.conftest import some_ticker
from kalshi.tests.servers import Gateway, Sandbox, csrf_field, running, wait_until
from kalshi.upstream.endpoints import ENDPOINTS

ORIGIN = "https://dash.example.com"
Seen = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    env = sandbox.environment() | {"CORS_ALLOWED_ORIGINS": ORIGIN, "KALSHI_TIMEOUT_S": "3"}
    with running(lambda folder: Gateway(folder, measured=True, **env)) as server:
        server.set_policies(fresh_s=3600)
        yield server


@pytest.fixture(scope="module")
def cookie(gateway: Gateway) -> str:
    browser = gateway.sign_in()
    found = f"sessionid={browser.cookies['sessionid']}"
    browser.close()
    return found


@pytest.fixture(scope="module")
def paths(gateway: Gateway) -> list[str]:
    ticker = some_ticker(gateway)
    # One way serves all rows of the table; a few of them show it.
    routes = [e.route.replace("<ticker>", ticker) for e in ENDPOINTS.values() if e.route and e.in_status]
    found = [f"/api/v1/kalshi/{route}{end}" for route in routes for end in ("", "/")]
    return [
        *found,
        "/api/v1/kalshi/orders/?limit=5&status=open",
        "/api/v1/kalshi/markets/%4BX-1/",
        "/api/v1/kalshi/nope",
    ]


def ask(
    gateway: Gateway,
    method: str,
    path: str,
    headers: dict[str, str],
    *,
    through_django: bool,
    body: bytes = b"",
) -> Seen:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    for number in range(2 * through_django):
        connection.putheader("X-Request-ID", f"through-django-{number}")
    connection.endheaders(body or None)
    answer = connection.getresponse()
    seen = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return seen


def comparable(seen: Seen) -> Seen:
    """Without what tells the moment: the date, the id, and the seconds that passed in between."""
    status, headers, body = seen
    headers = {name: value for name, value in headers.items() if name not in {"date", "x-request-id", "age"}}
    if "cache-status" in headers:
        headers["cache-status"] = re.sub(r"ttl=-?\d+", "ttl=N", headers["cache-status"])
    if body.startswith(b'{"error"'):
        body = re.sub(rb'"request_id": "[^"]*"', b'"request_id": "N"', body)
        headers.pop("content-length", None)
    return status, headers, body


def forced(seen: Seen) -> bool:
    return "fwd=request" in seen[1].get("cache-status", "")


def ways(gateway: Gateway) -> list[tuple[str, str, int]]:
    """(way, path, status) of the requests that the access log has so far."""
    lines = [json.loads(line) for line in gateway.process.lines if '"logger": "access"' in line]
    return [(line["way"], line["path"], line["status"]) for line in lines]


def assert_equal(gateway: Gateway, method: str, path: str, headers: dict[str, str]) -> Seen:
    for _ in range(2):
        ask(gateway, method, path, headers, through_django=False)
    for _ in range(5):
        quick = ask(gateway, method, path, headers, through_django=False)
        slow = ask(gateway, method, path, headers, through_django=True)
        # no-cache asks Kalshi every two seconds at most; when such a time ended between the two, they had to differ.
        if forced(quick) == forced(slow):
            break
    assert comparable(quick) == comparable(slow), (method, path, headers)
    if "age" in slow[1]:
        assert 0 <= int(slow[1]["age"]) - int(quick[1]["age"]) <= 2
    return quick


VARIANTS: dict[str, dict[str, str]] = {
    "plain": {},
    "unknown etag": {"If-None-Match": '"x"'},
    "any etag": {"If-None-Match": "*"},
    "allowed origin": {"Origin": ORIGIN},
    "other origin": {"Origin": "https://evil.example.com"},
    "html": {"Accept": "text/html"},
    "compression": {"Accept-Encoding": "gzip, br"},
    "max-age=0": {"Cache-Control": "max-age=0"},
    "no-cache": {"Cache-Control": "no-store, No-Cache"},
    "range": {"Range": "bytes=0-5"},
    "trace": {"X-Request-ID": "mine-000001"},
    "localhost": {"Host": "localhost"},
    "other host": {"Host": "evil.example.com"},
    "forwarded": {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "10.1.1.1",
        "X-Forwarded-Host": "evil.example.com",
    },
    "underscores": {"X_Kalshi_Account": "other"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_endpoint_and_header(gateway: Gateway, paths: list[str], variant: str) -> None:
    for path in paths:
        assert_equal(gateway, "GET", path, {"Authorization": f"Bearer {gateway.token}"} | VARIANTS[variant])


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method(gateway: Gateway, paths: list[str], method: str) -> None:
    for path in paths:
        assert_equal(gateway, method, path, {"Authorization": f"Bearer {gateway.token}"})


def test_every_caller(gateway: Gateway, cookie: str, paths: list[str]) -> None:
    good, bad = f"Bearer {gateway.token}", "Bearer " + "0" * 64
    for authorization, cookies in product(
        (None, good, bad, "Basic eDp5", "bearer " + gateway.token), (None, cookie, "sessionid=x")
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        headers |= {} if cookies is None else {"Cookie": cookies}
        for path in paths[:3]:
            status, *_ = assert_equal(gateway, "GET", path, headers)
            welcome = authorization in {good, "bearer " + gateway.token} or (
                authorization in {None, "Basic eDp5"} and cookies == cookie
            )
            assert status == (200 if welcome else 401), headers


@pytest.mark.parametrize("path", ["balance%0a", "markets/a%0ab/", "markets/a%0A/", "%0a", "balance/%0a"])
def test_a_line_break_in_a_path_is_404_json(gateway: Gateway, path: str) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    status, found, body = assert_equal(gateway, "GET", "/api/v1/kalshi/" + path, headers)
    assert (status, found["content-type"]) == (404, "application/json")
    assert json.loads(body)["code"] == "not_found"
    assert ask(gateway, "GET", "/api/v1/kalshi/" + path, {}, through_django=False)[0] == 401


def test_a_known_etag_is_304_both_ways(gateway: Gateway, paths: list[str]) -> None:
    for path in paths[:10]:
        headers = {"Authorization": f"Bearer {gateway.token}"}
        etag = ask(gateway, "GET", path, headers, through_django=False)[1]["etag"]
        status, found, body = assert_equal(
            gateway, "GET", path, headers | {"If-None-Match": f'W/{etag}, "y"'}
        )
        assert (status, body) == (304, b"")
        assert "content-length" not in found


def test_the_edge_really_answered(gateway: Gateway, paths: list[str]) -> None:
    for path in paths[:10]:
        for _ in range(3):
            ask(gateway, "GET", path, {"Authorization": f"Bearer {gateway.token}"}, through_django=False)
        wait_until(
            lambda path=path: ("edge", path, 200) in ways(gateway), 5, f"an answer of the edge for {path}"
        )


COOKIES = {
    "none": None,
    "of somebody else's": "theme=dark",
    "a good csrftoken": f"csrftoken={'a1B2' * 8}",
    "an old csrftoken, masked": f"csrftoken={'a1B2' * 16}",
    "a csrftoken too short": "csrftoken=x",
    "a csrftoken of other letters": f"csrftoken={'-' * 32}",
    "an empty csrftoken": "csrftoken=",
    "two csrftokens": f"csrftoken={'a1B2' * 8}; csrftoken=x",
    "a session that cannot be": "sessionid=x",
    "a session that is gone": f"sessionid={'a1b2' * 8}",
    "messages that nobody wrote": "messages=x",
}
CHOSEN = re.compile(r"(?<=csrftoken=)\w{32}|(?<=expires=)[^;]+")
"""What Django chooses anew in each cookie that it sets."""


@pytest.fixture(scope="module")
def signer(gateway: Gateway) -> Signer:
    return create_at(gateway, "--type", "ed25519")


def with_cookie_set(seen: Seen) -> Seen:
    status, headers, body = comparable(seen)
    if "set-cookie" in headers:
        headers["set-cookie"] = CHOSEN.sub("N", headers["set-cookie"])
    return status, headers, body


@pytest.mark.parametrize("caller", ["token", "session", "session and token", "signed", "stranger"])
def test_cookies_are_renewed_and_deleted_as_django_does(
    gateway: Gateway, cookie: str, signer: Signer, caller: str
) -> None:
    path = "/trade-api/v2/portfolio/balance"
    token = {"Authorization": f"Bearer {gateway.token}"}

    def headers(extra: str | None) -> dict[str, str]:
        own = [cookie] if caller.startswith("session") else []
        cookies = [*own, extra] if extra is not None else own
        found = {"Cookie": "; ".join(cookies)} if cookies else {}
        found |= token if caller.endswith("token") else {}
        return found | (signer.headers(path) if caller == "signed" else {})

    renewed = set()
    for name, extra in COOKIES.items():
        for first in (None, extra, extra):  # what is learned from one must not answer for another
            ask(gateway, "GET", path, headers(first), through_django=False)
        quick = with_cookie_set(ask(gateway, "GET", path, headers(extra), through_django=False))
        slow = with_cookie_set(ask(gateway, "GET", path, headers(extra), through_django=True))
        assert quick == slow, name
        is_stranger = caller == "stranger" or (caller == "session" and "sessionid" in (extra or ""))
        assert quick[0] == (401 if is_stranger else 200), name
        renewed |= {name} if "csrftoken=N" in quick[1].get("set-cookie", "") else set()
    assert {"a csrftoken too short", "a csrftoken of other letters"} <= renewed
    assert not renewed & {"none", "a good csrftoken", "an old csrftoken, masked"}


def test_a_stale_copy_is_the_same_both_ways_while_its_refresh_hangs(
    gateway: Gateway, sandbox: Sandbox
) -> None:
    path, headers = "/api/v1/kalshi/positions/", {"Authorization": f"Bearer {gateway.token}"}
    before = ask(gateway, "GET", path, headers, through_django=False)[2]
    sandbox.fault("hang", operations=["get_positions"])
    try:
        gateway.set_policies(fresh_s=1, patience_s=0)
        detail = "detail=refreshing"
        wait_until(
            lambda: detail in ask(gateway, "GET", path, headers, through_django=False)[1]["cache-status"],
            5,
            "staleness",
        )
        quick, slow = (
            assert_equal(gateway, "GET", path, headers),
            ask(gateway, "GET", path, headers, through_django=True),
        )
        assert quick[2] == slow[2] == before
        assert detail in quick[1]["cache-status"] and detail in slow[1]["cache-status"]
    finally:
        sandbox.heal()
        gateway.set_policies(fresh_s=3600, patience_s=1)


def test_a_revoked_token_is_refused_within_two_seconds(gateway: Gateway, sandbox: Sandbox) -> None:
    token = gateway.manage("create_token", "--user", "owner", "--name", "doomed").strip()
    path, headers = "/api/v1/kalshi/balance/", {"Authorization": f"Bearer {token}"}
    for _ in range(3):
        assert ask(gateway, "GET", path, headers, through_django=False)[0] == 200
    gateway.manage(
        "shell", "-c", "from kalshi.models import ApiToken; ApiToken.objects.filter(name='doomed').delete()"
    )
    wait_until(lambda: ask(gateway, "GET", path, headers, through_django=False)[0] == 401, 2.0, "the refusal")


def test_signing_out_ends_the_session_at_once(gateway: Gateway) -> None:
    link = gateway.manage("sign_in_link", "--user", "owner").strip()
    browser = gateway.sign_in(link)
    headers = {"Cookie": f"sessionid={browser.cookies['sessionid']}"}
    path = "/api/v1/kalshi/balance/"
    for _ in range(3):
        assert ask(gateway, "GET", path, headers, through_django=False)[0] == 200
    field = csrf_field(browser.get(f"{gateway.base_url}/", timeout=10).text)
    browser.post(f"{gateway.base_url}/sign-out/", data=field, timeout=10)
    browser.close()
    assert ask(gateway, "GET", path, headers, through_django=False)[0] == 401


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PROPFIND"])
def test_the_shell_says_of_its_health_what_django_says(gateway: Gateway, method: str) -> None:
    # Only the path without the slash is the shell's.
    shell, django = (
        ask(gateway, method, path, {"X-Request-ID": "0af7651916cd43dd8448eb211c80319c"}, through_django=False)
        for path in ("/healthz", "/healthz/")
    )
    assert (shell[0], json.loads(shell[2] or "{}")) == (django[0], json.loads(django[2] or "{}"))
    assert shell[1]["x-request-id"] == "0af7651916cd43dd8448eb211c80319c"
    ours, theirs = (
        {
            name: sorted(value.split("; "))
            for name, value in headers.items()
            if name not in {"date", "content-length"}
        }
        for headers in (shell[1], django[1])
    )
    assert ours == theirs
