"""Probes and Prometheus ask by the address of a container, which stands in no list of hosts."""

from __future__ import annotations

import pytest
import requests

from kalshi.tests.servers import Gateway

HOSTS = ("10.42.0.7:8000", "10.42.0.7", "[fd00::7]:8000", "kalshi.monitoring.svc", "not a host")
OTHERS = (
    "/",
    "/sign-in/",
    "/admin/",
    "/api/v1/kalshi/balance/",
    "/api/v1/status/",
    "/trade-api/v2/portfolio/balance",
    "/static/kalshi/dashboard.css",
    "/readyz/x",
    "/readyz%0a",
    "/x/readyz",
    "/metricsx",
)


@pytest.fixture(scope="module")
def metrics_token(gateway: Gateway) -> str:
    return gateway.manage("create_token", "--user", "owner", "--name", "probe", "--scope", "metrics").strip()


def ask(gateway: Gateway, path: str, host: str, token: str | None = None) -> requests.Response:
    headers = {"Host": host} | ({"Authorization": f"Bearer {token}"} if token else {})
    return requests.get(f"{gateway.base_url}{path}", headers=headers, timeout=30, allow_redirects=False)


@pytest.mark.parametrize("host", HOSTS)
def test_a_probe_is_answered_whatever_the_host(gateway: Gateway, metrics_token: str, host: str) -> None:
    for path in ("/healthz", "/healthz/", "/readyz", "/readyz/"):
        answer = ask(gateway, path, host)
        assert answer.status_code == 200, path
        assert answer.json() in (
            {"ok": True},
            {
                "ready": True,
                "checks": dict.fromkeys(("configuration", "database", "migrations", "cache"), True),
            },
        )
        assert not answer.cookies and host not in answer.text + str(answer.headers)
    assert "kalshi_http_requests_total" in ask(gateway, "/metrics", host, metrics_token).text


@pytest.mark.parametrize("host", HOSTS)
def test_metrics_still_need_their_token_there(gateway: Gateway, host: str) -> None:
    for token in (None, "wrong", gateway.token):
        answer = ask(gateway, "/metrics", host, token)
        assert answer.status_code in {401, 403}
        assert "kalshi_" not in answer.text and not answer.cookies


@pytest.mark.parametrize("host", HOSTS)
def test_nothing_else_opens_and_the_edge_learns_no_such_host(gateway: Gateway, host: str) -> None:
    for path in OTHERS:
        for _ in range(3):
            assert ask(gateway, path, host, gateway.token).status_code == 400, path
            if path.startswith("/api/v1/kalshi"):
                gateway.get(path)  # under its own name the edge has the answer
