"""One request id from the caller to Kalshi, and no secret in a line that does not pass through logging."""

from __future__ import annotations

import json
from typing import Any

from kalshi.tests.live.conftest import some_ticker
from kalshi.tests.servers import Gateway, wait_until

TOKEN = "0123456789abcdef" * 4


def lines_of(gateway: Gateway, request_id: str, count: int) -> list[dict[str, Any]]:
    def found() -> list[str] | None:
        lines = [line for line in gateway.process.lines if request_id in line]
        return lines if len(lines) >= count else None

    return [json.loads(line) for line in wait_until(found, 5, f"{count} lines of {request_id}")]


def test_the_id_that_a_caller_gets_is_in_the_access_line_and_in_the_upstream_line(gateway: Gateway) -> None:
    answer = gateway.get("/api/v1/kalshi/orders/?limit=41")
    request_id = answer.headers["X-Request-ID"]
    loggers = {line["logger"]: line for line in lines_of(gateway, request_id, 2)}
    assert loggers["access"]["request_id"] == request_id == loggers["kalshi.upstream"]["request_id"]
    assert loggers["access"]["way"] == "django"
    assert loggers["kalshi.upstream"]["operation"] == "get_orders"


def test_an_answer_of_the_edge_has_its_id_in_the_access_line(gateway: Gateway) -> None:
    for _ in range(2):
        gateway.get("/api/v1/kalshi/balance/")
    for offered in ({}, {"X-Request-ID": "my-own-trace-1"}):
        request_id = gateway.get("/api/v1/kalshi/balance/", headers=offered).headers["X-Request-ID"]
        (line,) = lines_of(gateway, request_id, 1)
        assert (line["way"], line["status"], line["request_id"]) == ("edge", 200, request_id)


def test_no_line_shows_what_a_caller_should_not_have_put_into_an_address(gateway: Gateway) -> None:
    ticker, code = some_ticker(gateway), "c0de-of-a-link"
    for path in (
        f"/api/v1/kalshi/markets/{ticker}/?token=hunter2hunter2",
        f"/api/v1/kalshi/balance/?x=%48unter2&api%5Fkey=hunter2hunter2&acc={gateway.token}",
        f"/%73ign-in/{code}/",
        f"/sign%2Din%2F{code}/",
        f"/sign-in//{code}",
        f"/sign-in/?next=%2Fsign-in%2F{code}%2F",
        f"/sign-in/?next=%252Fsign-in%252F{code}%252F",
        f"/{TOKEN}",
        f"/?{gateway.env['KALSHI_API_KEY_ID']}",
        "/?x=Bearer%20hunter2hunter2",
    ):
        request_id = gateway.get(path, allow_redirects=False).headers["X-Request-ID"]
        lines = json.dumps(lines_of(gateway, request_id, 1))
        for secret in ("hunter2hunter2", code, TOKEN, gateway.token, gateway.env["KALSHI_API_KEY_ID"]):
            assert secret not in lines, path
        assert "***" in lines, path
