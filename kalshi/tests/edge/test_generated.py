"""The edge says what Django says, over generated requests: bodies, upgrades and odd headers included."""

from __future__ import annotations

import re
from random import Random

import pytest

from kalshi.tests.edge import test_equality
from kalshi.tests.edge.test_equality import ORIGIN, Seen, ask, comparable
from kalshi.tests.servers import Gateway

gateway, cookie, paths = test_equality.gateway, test_equality.cookie, test_equality.paths

_METHODS = ["GET"] * 6 + ["HEAD", "OPTIONS", "POST", "PUT"]
_QUERIES = [
    "",
    "",
    "",
    "?limit=2",
    "?limit=2&limit=2",
    "?x=%00",
    "?account=default",
    "?account=",
    "?&&&",
    "?%61ccount=nope",
]
_HEADERS: list[dict[str, str]] = [
    {}, {}, {"If-None-Match": "*"}, {"If-None-Match": 'W/"x", "y"'}, {"Cache-Control": "no-cache"},
    {"Cache-Control": "max-age=0, no-transform"}, {"Origin": ORIGIN}, {"Origin": "null"}, {"Accept": "text/html"},
    {"Range": "bytes=0-5"}, {"X-Kalshi-Account": "default"}, {"X-Kalshi-Account": "NOPE"}, {"Expect": "100-continue"},
    {"Upgrade": "websocket", "Connection": "Upgrade"}, {"Upgrade": "x", "Connection": "Upgrade, keep-alive"},
    {"Connection": "close"}, {"Host": "localhost"}, {"Host": "evil.example.com"}, {"X-HTTP-Method-Override": "DELETE"},
    {"Content-Type": "application/json"}, {"Transfer-Encoding": "identity"}, {"X-Forwarded-For": "10.1.1.1"},
    {"Accept-Encoding": "br;q=1, *;q=0"}, {"Cookie": "csrftoken=x"}, {"Cookie": "a=b; a=c; ;=;"},
]  # fmt: skip
_BODIES = [b"", b"", b"", b"x=y", b'{"a": 1}', b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"]


def compare(gateway: Gateway, cookie: str, paths: list[str], numbers: range) -> None:
    """Requests made from these numbers, each through both ways."""
    good = {"Authorization": f"Bearer {gateway.token}"}
    credentials = [good, good, {"Cookie": cookie}, {"Authorization": "Bearer " + "0" * 64}, {}]
    for number in numbers:
        random = Random(number)
        path = random.choice(paths) + random.choice(_QUERIES)
        method, body = random.choice(_METHODS), random.choice(_BODIES)
        headers = random.choice(credentials) | random.choice(_HEADERS) | random.choice(_HEADERS)
        if body:
            headers["Content-Length"] = str(len(body))
        for _ in range(4):
            quick, slow = (
                ask(gateway, method, path, headers, through_django=way, body=body) for way in (False, True)
            )
            if not fetched(quick) and not fetched(slow):
                break
        assert alike(quick) == alike(slow), (number, method, path, headers, body)


def fetched(seen: Seen) -> bool:
    """From Kalshi, just now: the next one may have another answer."""
    return "fwd=" in seen[1].get("cache-status", "")


def alike(seen: Seen) -> Seen:
    """Without the value of a new CSRF cookie, which is random, the length of an error, which has an id in it, and the
    sentence of a 404, which is Kalshi's at first and ours for ten seconds.
    """
    status, headers, body = comparable(seen)
    if status >= 400:
        headers.pop("content-length", None)
    if status == 404:
        body = re.sub(rb'"error": "[^"]*"', b'"error": "N"', body)
    if "set-cookie" in headers:
        headers["set-cookie"] = re.sub(r"=[^;]*", "=N", headers["set-cookie"])
    return status, headers, body


def test_both_ways_agree_on_generated_requests(gateway: Gateway, cookie: str, paths: list[str]) -> None:
    compare(gateway, cookie, paths, range(300))


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_both_ways_agree_on_thousands(gateway: Gateway, cookie: str, paths: list[str]) -> None:
    compare(gateway, cookie, paths, range(1_000, 9_000))
