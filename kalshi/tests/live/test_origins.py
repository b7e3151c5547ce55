"""Every spelling of an origin that start-up accepts is one that a page of that origin can use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.tests.env.origins import ORIGINS
from kalshi.tests.servers import Gateway, Sandbox, running

BALANCE = "/api/v1/kalshi/balance/"


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    allowed = {"CORS_ALLOWED_ORIGINS": ",".join(ORIGINS)}
    with running(lambda folder: Gateway(folder, **sandbox.environment(), **allowed)) as server:
        yield server


@pytest.mark.parametrize("sent", sorted(set(ORIGINS.values())))
def test_the_origin_that_a_browser_sends_is_let_in(gateway: Gateway, sent: str) -> None:
    # The second answer is the edge's.
    for _ in range(2):
        answer = gateway.get(BALANCE, headers={"Origin": sent})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, sent)
    asks = {"Origin": sent, "Access-Control-Request-Method": "GET"}
    preflight = gateway.session.options(f"{gateway.base_url}{BALANCE}", headers=asks, timeout=30)
    assert preflight.headers["Access-Control-Allow-Origin"] == sent


def test_an_origin_that_is_not_named_is_not_let_in(gateway: Gateway) -> None:
    for sent in ("https://other.example", "http://front.example:8443", "null"):
        assert "Access-Control-Allow-Origin" not in gateway.get(BALANCE, headers={"Origin": sent}).headers
