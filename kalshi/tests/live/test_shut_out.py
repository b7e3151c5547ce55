"""One viewer's questions always fail, by what is asked: the others of the account get their answers all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from kalshi.tests.live.test_shares import VIEWERS
from kalshi.tests.servers import Gateway, Sandbox, running
from kalshi.tests.upstream.raw_server import Line, RawServer

ORDERS = "/api/v1/kalshi/orders/"
FIREWALL = b"<html><head><title>403 Forbidden</title></head><body>Request blocked.</body></html>"
DATA = b'{"orders":[],"cursor":""}'


def firewall(line: Line) -> None:
    """Stands before an exchange, and takes some cursors for an attack."""
    while (request := line.read_request()) is not None:
        status, body = (b"403 X", FIREWALL) if "script" in request.target else (b"200 OK", DATA)
        line.send(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


@pytest.fixture(params=["one process", "redis"])
def gateway(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    redis = {"REDIS_URL": request.getfixturevalue("redis_url")} if request.param == "redis" else {}
    with RawServer(firewall) as raw:
        env = sandbox.environment() | redis | {"KALSHI_BASE_URL": raw.url}
        with running(lambda folder: Gateway(folder, **env)) as server:
            yield server


def ask(gateway: Gateway, token: str, query: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{gateway.base_url}{ORDERS}?{query}", headers=headers, timeout=30)


def test_a_viewer_whose_questions_always_fail_shuts_nobody_out(gateway: Gateway) -> None:
    odd, *others = json.loads(gateway.manage("shell", "-v0", "-c", VIEWERS))
    for turn in range(3):
        with ThreadPoolExecutor(6) as threads:
            asked = [threads.submit(ask, gateway, odd, f"cursor=script-{turn}-{n}") for n in range(6)]
            assert {future.result().status_code for future in asked} == {503}
        refused = ask(gateway, odd, f"cursor=script-{turn}")
        assert refused.status_code == 503 and "several times" in refused.json()["error"]
        for number, token in enumerate(others):
            answer = ask(gateway, token, f"limit={1 + 10 * turn + number}")
            assert (answer.status_code, answer.content) == (200, DATA), answer.text
