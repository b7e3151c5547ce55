"""The running gateway in front of the sandbox: what passes, what becomes of faults, and when a key ends."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from kalshi.tests.documents import blocks
from kalshi.tests.epochs import LONG_AGO
from kalshi.tests.gateway.signing import ROOT, Signer, create_at, get
from kalshi.tests.gateway.test_walk import ask_the_exchange
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

ORIGIN = "https://dash.example.com"
BALANCE, ORDERS = f"{ROOT}/portfolio/balance", f"{ROOT}/portfolio/orders"


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    env = sandbox.environment() | {"CORS_ALLOWED_ORIGINS": ORIGIN, "KALSHI_TIMEOUT_S": "2"}
    with running(lambda folder: Gateway(folder, **env)) as server:
        yield server


@pytest.fixture(scope="module", params=["rsa", "ed25519"])
def signer(gateway: Gateway, request: pytest.FixtureRequest) -> Signer:
    return create_at(gateway, "--type", request.param)


@pytest.fixture(scope="module")
def owner(gateway: Gateway) -> Signer:
    return create_at(gateway, "--type", "ed25519")


def test_a_client_reads_what_it_would_read_at_the_exchange(
    gateway: Gateway, sandbox: Sandbox, signer: Signer
) -> None:
    for path in (BALANCE, f"{ORDERS}?limit=3&status=resting", f"{ROOT}/markets?limit=2"):
        answer = get(gateway, signer, path)
        assert (answer.status_code, answer.content) == (200, ask_the_exchange(sandbox, path).content)


@pytest.mark.parametrize(
    "path",
    [
        f"{ROOT}/markets?status=finalized",  # wrapped, with details
        f"{ORDERS}?limit=0",  # {"msg"}
        f"{ORDERS}?limit=abc",
        f"{ROOT}/markets/candlesticks",  # a required parameter is missing
        f"{ROOT}/markets/KX-NOPE",
        f"{ROOT}/portfolio/orders/00000000-0000-0000-0000-000000000000",
        f"{ROOT}/portfolio/summary/total_resting_order_value",  # 403
    ],
)
def test_the_exchanges_own_refusals_pass_unchanged(
    gateway: Gateway, sandbox: Sandbox, owner: Signer, path: str
) -> None:
    answer, own = get(gateway, owner, path), ask_the_exchange(sandbox, path)
    assert own.status_code in {400, 403, 404}
    assert (answer.status_code, answer.content) == (own.status_code, own.content)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("status", "seen"), [(400, 400), (403, 403), (404, 404), (401, 502), (429, 503)])
def test_each_status_of_the_exchange_has_its_answer(
    gateway: Gateway, sandbox: Sandbox, owner: Signer, status: int, seen: int
) -> None:
    sandbox.fault("status", status=status, operations=["get_orders"])
    answer = get(gateway, owner, f"{ORDERS}?limit={status}")
    assert answer.status_code == seen
    error = answer.json()["error"]
    if seen == status:
        assert "request_id" not in error
    else:
        assert error["code"] == {502: "bad_gateway", 503: "service_unavailable"}[seen]
        assert ("Retry-After" in answer.headers) == (seen == 503)


@pytest.mark.parametrize(
    "path",
    [
        "/trade-api/v2/portfolio/../portfolio/balance",
        "/trade-api/v2/markets/..%2Fportfolio%2Fbalance",
        "/trade-api/v2/markets/%2e%2e",
        "/trade-api/v2//portfolio/balance",
        "/trade-api/v2/portfolio/balance%00",
        "/trade-api/v2/portfolio/balance%0a",
        "/trade-api/v2/portfolio/balance;x",
        "/trade-api//v2/portfolio/balance",
        "/Trade-api/v2/portfolio/balance",
    ],
)
def test_no_trick_with_the_path_reads_anything(
    gateway: Gateway, sandbox: Sandbox, owner: Signer, path: str
) -> None:
    asked = ("get_balance", "get_market")
    before = [sandbox.arrivals(operation) for operation in asked]
    status, body = raw(gateway, path, owner.headers(path))
    assert status == 404 and "balance_dollars" not in body
    assert [sandbox.arrivals(operation) for operation in asked] == before


def test_a_key_for_one_operation_is_not_fooled_by_another_spelling(gateway: Gateway) -> None:
    narrow = create_at(gateway, "--type", "ed25519", "--operation", "get_exchange_status")
    for path in (BALANCE, BALANCE + "/", f"{ROOT}/portfolio%2Fbalance", f"{ROOT}/%70ortfolio/balance"):
        assert raw(gateway, path, narrow.headers(path))[0] == 403, path
    assert get(gateway, narrow, f"{ROOT}/exchange/status").status_code == 200


def raw(gateway: Gateway, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body of a GET whose path goes out exactly as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    seen = answer.status, answer.read().decode()
    connection.close()
    return seen


@pytest.mark.parametrize("end", [f"revoked_at='{LONG_AGO}'", "blocked=True", f"expires_at='{LONG_AGO}'"])
def test_a_key_ends_within_two_seconds(gateway: Gateway, end: str) -> None:
    doomed = create_at(gateway, "--type", "ed25519")
    for _ in range(3):
        assert get(gateway, doomed, BALANCE).status_code == 200
    code = "from django.utils import timezone; from kalshi.models import VirtualKey; "
    gateway.manage("shell", "-c", f"{code}VirtualKey.objects.filter(key_id='{doomed.key_id}').update({end})")
    wait_until(lambda: get(gateway, doomed, BALANCE).status_code == 401, 2.0, "the refusal")


def test_another_origin_may_read_and_the_preflight_needs_no_key(gateway: Gateway, owner: Signer) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    preflight = requests.options(gateway.base_url + BALANCE, headers=asked, timeout=10)
    assert preflight.status_code == 200
    for answer in (preflight, get(gateway, owner, BALANCE, Origin=ORIGIN)):
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "POST" not in answer.headers.get("Access-Control-Allow-Methods", "")
    exposed = get(gateway, owner, BALANCE, Origin=ORIGIN).headers["Access-Control-Expose-Headers"]
    assert "RateLimit" in exposed and "RateLimit-Policy" in exposed
    foreign = get(gateway, owner, BALANCE, Origin="https://evil.example.com")
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_the_client_in_the_documentation_works(gateway: Gateway, sandbox: Sandbox, tmp_path: Path) -> None:
    made = json.loads(gateway.manage("keys", "create", "--user", "owner", "--label", "x", "--json"))
    (tmp_path / "gateway.pem").write_text(made["private_key"])
    text = next(b.text for b in blocks("INTEGRATION.md", "python") if "KALSHI-ACCESS-KEY" in b.text)
    text = text.replace("https://dash.example.com", gateway.base_url).replace(
        "gateway.pem", f"{tmp_path}/gateway.pem"
    )
    text = re.sub(r'KEY_ID = "[^"]+"', f'KEY_ID = "{made["key_id"]}"', text)
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True, timeout=30
    )
    assert Decimal(done.stdout) == Decimal(sandbox.truth()["cash_dollars"])


def test_a_request_that_is_sent_again_is_checked_again(gateway: Gateway, owner: Signer) -> None:
    headers: dict[str, Any] = owner.headers(BALANCE, skew_s=-13)
    assert raw(gateway, BALANCE, headers)[0] == 200
    wait_until(lambda: raw(gateway, BALANCE, headers)[0] == 401, 6, "the timestamp's end")
    assert "header_timestamp_expired" in raw(gateway, BALANCE, headers)[1]


# The last: the breaker stays open for some seconds after it.
def test_an_outage_is_bridged_by_the_old_answer_and_else_told(
    gateway: Gateway, sandbox: Sandbox, owner: Signer
) -> None:
    path = f"{ROOT}/portfolio/settlements"
    first = get(gateway, owner, path)
    gateway.set_policies(fresh_s=1, patience_s=0)
    sandbox.fault("down", operations=["get_settlements", "get_deposits"])
    wait_until(
        lambda: "ttl=-" in get(gateway, owner, path).headers.get("Cache-Status", ""), 10, "an old answer"
    )
    stale = get(gateway, owner, path)
    assert (stale.status_code, stale.content) == (200, first.content)
    unknown = get(gateway, owner, f"{ROOT}/portfolio/deposits")
    assert unknown.status_code == 503 and unknown.json()["error"]["code"] == "service_unavailable"
    assert int(unknown.headers.get("Retry-After", 1)) in range(
        1, 15
    )  # left out when the signature ends before
    gateway.set_policies(fresh_s=60, patience_s=1)
