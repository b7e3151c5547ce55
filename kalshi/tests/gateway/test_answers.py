"""What passes from Kalshi to a client of the gateway, and what becomes of everything that goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalshi.tests.fakes import HttpError, OnlyStatus
from kalshi.tests.gateway.test_callers import refusal

Ask = Callable[..., Any]
PATH = "/portfolio/balance"

SHAPES = {
    "wrapped": b'{"error":{"code":"bad_request","message":"bad request","details":"why"}}',
    "flat": b'{"code":"bad_request","message":"bad request"}',
    "msg": b'{ "msg": "Parameter validation failed" }\n',
    "text": b'{"error":"too bad"}',
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_what_kalshi_says_of_the_question_passes_unchanged(
    ask: Ask, exchange: Any, status: int, shape: str
) -> None:
    exchange.answers[PATH] = HttpError(status, SHAPES[shape])
    for _ in range(2):  # a 404 comes from the cache the second time
        answer = ask(PATH)
        assert (answer.status_code, answer.content) == (status, SHAPES[shape])
        assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 408, 451])
@pytest.mark.parametrize("body", [b"<html><script>alert(1)</script></html>", b"", b'{"message":"Forbidden"}'])
def test_what_somebody_on_the_way_said_does_not_pass(
    ask: Ask, exchange: Any, status: int, body: bytes
) -> None:
    exchange.answers[PATH] = HttpError(status, body)
    answer = ask(PATH)
    assert refusal(answer) == (503, "service_unavailable", "upstream_unavailable")
    assert f"({status}," in answer.json()["error"]["message"]
    assert answer["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 403, 404])
def test_an_error_of_which_only_the_status_is_known_passes_without_a_body(
    ask: Ask, exchange: Any, status: int
) -> None:
    exchange.answers[PATH] = OnlyStatus(status)
    answer = ask(PATH)
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize(
    ("problem", "status", "code", "details"),
    [
        (HttpError(401, SHAPES["wrapped"]), 502, "bad_gateway", "upstream_rejected_key"),
        (HttpError(500, SHAPES["wrapped"]), 503, "service_unavailable", "upstream_unavailable"),
        (HttpError(429), 503, "service_unavailable", "upstream_rate_limited"),
        (TimeoutError(), 503, "service_unavailable", "upstream_unavailable"),
        (b"<html>", 502, "bad_gateway", "upstream_bad_payload"),
    ],
    ids=["401", "500", "429", "time-out", "no JSON"],
)
def test_what_keeps_us_from_an_answer_is_told_in_our_words(
    ask: Ask, exchange: Any, problem: Any, status: int, code: str, details: str
) -> None:
    exchange.answers[PATH] = problem
    answer = ask(PATH)
    assert refusal(answer) == (status, code, details)
    assert ("Retry-After" in answer) == (status == 503)
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "problem",
    [HttpError(429), TimeoutError(), b"<html>"],
    ids=["429", "time-out", "no JSON"],
)
def test_an_old_copy_is_served_in_place_of_an_outage(
    ask: Ask, exchange: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ask(PATH)
    exchange.answers[PATH] = problem
    later = _an_hour_later(monkeypatch)
    answer = later(ask, PATH)
    assert (answer.status_code, answer.content) == (200, first.content)
    assert "ttl=-" in answer["Cache-Status"] and int(answer["Age"]) >= 3600


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_no_old_copy_hides_what_kalshi_says_of_the_question_or_the_key(
    ask: Ask, exchange: Any, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(PATH)
    exchange.answers[PATH] = HttpError(status, SHAPES["wrapped"])
    assert _an_hour_later(monkeypatch)(ask, PATH).status_code == {401: 502}.get(status, status)


def _an_hour_later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Entries in the cache become an hour older."""
    from dataclasses import replace

    from kalshi.services import engine

    store = engine.current().store
    original = store.get

    def older(key: str) -> Any:
        entry = original(key)
        return entry and replace(entry, fetched_at=entry.fetched_at - 3600)

    monkeypatch.setattr(store, "get", older)
    return lambda ask, path: ask(path)


def test_a_known_etag_is_304_and_no_cache_is_heard(ask: Ask, exchange: Any) -> None:
    etag = ask(PATH)["ETag"]
    unchanged = ask(PATH, HTTP_IF_NONE_MATCH=etag)
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", etag)


def test_kalshis_defaults_hold_and_not_ours(ask: Ask, exchange: Any) -> None:
    ask("/portfolio/orders")
    ask("/events?limit=7")
    asked = [(path, params) for path, params in exchange.calls if not path.startswith("/account")]
    assert asked == [("/portfolio/orders", {}), ("/events", {"limit": "7"})]


def test_the_cache_is_that_of_our_own_api(ask: Ask, exchange: Any, api: Any) -> None:
    api("balance/")
    assert ask(PATH)["Cache-Status"].startswith("kalshi; hit")
    assert exchange.account_calls == [PATH]


def test_both_ends_of_a_path_are_one_question(ask: Ask, exchange: Any) -> None:
    assert ask(PATH).content == ask(PATH + "/").content
    assert exchange.account_calls == [PATH]


@pytest.mark.parametrize(
    "ticker", ["..", "%2e%2e", "a%2Fb", "a%00", "%252e", "a b", "é", ".", "a%0a", "a%3Fb", "-"]
)
def test_a_path_value_that_no_ticker_can_have_is_404_and_kalshi_is_not_asked(
    ask: Ask, exchange: Any, ticker: str
) -> None:
    assert refusal(ask(f"/markets/{ticker}"))[:2] in {(404, "not_found"), (401, "authentication_error")}
    assert exchange.account_calls == []
