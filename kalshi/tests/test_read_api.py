"""What a caller of the endpoints gets, in front of a scripted exchange."""

import gc
import re
import weakref
from urllib.parse import quote, urlencode

import pytest
from django.test import Client, RequestFactory

from kalshi.tests.fakes import BODIES, HttpError
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.urls import view_of


def required(endpoint: Endpoint) -> str:
    """A query with which the endpoint answers."""
    values = [(p.name, (*p.choices, str(p.minimum or 1))[0]) for p in endpoint.query_params if p.required]
    return f"?{urlencode(values)}" if values else ""


ROUTES = {
    e.operation: (re.sub(r"<\w+>", "KXHIGHNY-26NOV21-B50.5", e.route), required(e))
    for e in ENDPOINTS.values()
    # Read in the background too, which would be counted here.
    if e.route and not e.route.startswith("account/")
}
ODD = b'{ "balance" :1.0e2,\n\t"x":"\\u00e9\\/","deep":{"b":1,"a":[ ]} , "big":123456789012345678901234567890.10 }'


@pytest.mark.parametrize(("route", "query"), ROUTES.values(), ids=list(ROUTES))
def test_every_endpoint_answers_with_freshness_headers(exchange, api, route, query) -> None:
    answer = api(f"{route}/{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Status"] == "kalshi; fwd=miss; stored"
    assert answer["Age"] == "0"
    assert answer["Cache-Control"].startswith("private, max-age=")
    assert answer["Vary"] == "Authorization, Cookie, Origin, X-Kalshi-Account"
    assert len(answer["X-Request-ID"]) == 32


@pytest.mark.parametrize(("route", "query"), ROUTES.values(), ids=list(ROUTES))
def test_the_second_call_comes_from_the_cache_with_or_without_slash(exchange, api, route, query) -> None:
    first = api(f"{route}/{query}")
    second = api(route + query)
    assert second.content == first.content
    assert second["Cache-Status"].startswith("kalshi; hit; ttl=")
    assert len(exchange.account_calls) == 1


def test_the_body_is_the_upstream_body_byte_for_byte(exchange, api) -> None:
    exchange.answers["/portfolio/balance"] = ODD
    assert api("balance/").content == ODD
    assert api("balance/").content == ODD


def test_an_answer_is_gone_when_it_is_sent_without_the_garbage_collector(exchange, token) -> None:
    request = RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
    gc.collect()
    gc.disable()
    try:
        answer = view_of(ENDPOINTS["get_balance"])(request)
        assert answer.status_code == 200
        kept = weakref.ref(answer)
        del answer
        assert kept() is None
    finally:
        gc.enable()


def test_a_known_etag_gives_304_with_the_same_headers(exchange, api) -> None:
    whole = api("balance/")
    unchanged = api("balance/", HTTP_IF_NONE_MATCH=whole["ETag"])
    assert unchanged.status_code == 304
    assert unchanged.content == b""
    for name in ("ETag", "Cache-Control", "Vary"):
        assert unchanged[name] == whole[name]
    assert "Age" in unchanged.headers and "Cache-Status" in unchanged.headers


def test_head_has_the_headers_and_no_body(exchange, token) -> None:
    answer = Client().head("/api/v1/kalshi/balance/", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer["ETag"]


def test_no_cache_forces_a_fetch_but_not_twice_within_two_seconds(exchange, api) -> None:
    api("events/")
    exchange.calls.clear()
    # The copy is younger than two seconds, so there is nothing that a fetch could bring.
    assert api("events/", HTTP_CACHE_CONTROL="no-cache")["Cache-Status"].startswith("kalshi; hit")
    assert exchange.account_calls == []


def test_orders_take_open_for_resting(exchange, api) -> None:
    api("orders/?status=open")
    assert ("/portfolio/orders", {"limit": "100", "status": "resting"}) in _as_text(exchange.calls)
    assert api("orders/?status=resting")["Cache-Status"].startswith("kalshi; hit")


def test_events_are_open_and_nested_unless_asked_otherwise(exchange, api) -> None:
    api("events/")
    api("events/?status=all")
    asked = [params for path, params in _as_text(exchange.calls) if path == "/events"]
    assert asked == [
        {"limit": "100", "status": "open", "with_nested_markets": "true"},
        {"limit": "100", "with_nested_markets": "true"},
    ]


def _as_text(calls):
    return [
        (
            path,
            {
                name: str(value).lower() if isinstance(value, bool) else str(value)
                for name, value in params.items()
            },
        )
        for path, params in calls
    ]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=1000000000",
        "limit=abc",
        "limit=",
        "limit=1&limit=2",
        "wat=1",
        "status=finalized",
        "cursor=" + "x" * 5000,
        "ticker=%00",
        "ticker=..",
        "ticker=../x",
        "event_ticker=A,..%2fx",
        "ticker=a%0ab",
        "ticker=%ff",
        "&".join(f"a{n}=1" for n in range(200)),
    ],
)
def test_bad_parameters_are_400_and_never_reach_kalshi(exchange, api, query) -> None:
    answer = api("orders/?" + query)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"
    assert exchange.account_calls == []


def test_the_sentence_names_what_is_allowed(exchange, api) -> None:
    assert "from 1 to 1000" in api("orders/?limit=0").json()["error"]
    assert "resting, canceled, executed, open" in api("orders/?status=x").json()["error"]
    assert "event_ticker" in api("orders/?wat=1").json()["error"]


@pytest.mark.parametrize(
    "ticker",
    [
        "..",
        ".",
        "%2e%2e",
        "../x",
        "a%2fb",
        "..%2fportfolio%2fbalance",
        "%00",
        "a%0a",
        "a b",
        "é",
        "-x",
        "x" * 129,
        "x" * 10_000,
        "%252e%252e",
    ],
)
def test_a_ticker_that_cannot_exist_is_404_and_never_reaches_kalshi(exchange, api, ticker) -> None:
    for slash in ("", "/"):
        answer = api(f"markets/{ticker}{slash}")
        assert answer.status_code == 404, answer.content
        assert answer.json()["code"] == "not_found"
    assert exchange.account_calls == []


def test_a_percent_encoded_spelling_of_a_legal_ticker_is_the_same_market(exchange, api) -> None:
    plain = api("markets/KX-T114999.99/")
    spelt = api("markets/" + "".join(f"%{ord(letter):02X}" for letter in "KX-T114999.99"))
    assert spelt.content == plain.content
    assert exchange.account_calls == ["/markets/KX-T114999.99"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(
    "path", ["/api/v1/kalshi/balance/", "/api/v1/kalshi/nope", "/api/v1/status/", "/trade-api/v2/x"]
)
def test_writing_methods_are_refused_before_anything_else(db, method, path) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert answer.status_code == 405
    # Under Kalshi's paths errors have Kalshi's shape.
    error = answer.json()["error"] if path.startswith("/trade-api/") else answer.json()
    assert error["code"] == "read_only"
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("upstream", "status", "code"),
    [
        (HttpError(400, b'{"msg":"Key: \'X\' Error"}'), 400, "bad_request"),
        (
            HttpError(401, b'{"error":{"code":"authentication_error","message":"no"}}'),
            502,
            "upstream_rejected_key",
        ),
        (
            HttpError(403, b'{"error":{"code":"permission_denied","message":"no"}}'),
            502,
            "upstream_rejected_key",
        ),
        (HttpError(404, b'{"error":{"code":"not_found","message":"not found"}}'), 404, "not_found"),
        (HttpError(429, b'{"error":"too many requests"}'), 503, "upstream_rate_limited"),
        (b"<html>", 502, "upstream_bad_payload"),
        (b'{"error":{"code":"internal_error","message":"try again"}}', 502, "upstream_bad_payload"),
        (HttpError(403, b"<html><title>Attention Required!</title>"), 503, "upstream_unavailable"),
        (HttpError(404, b""), 503, "upstream_unavailable"),
        (HttpError(407, b'{"error":"proxy authentication required"}'), 503, "upstream_unavailable"),
    ],
)
def test_what_kalshi_refuses_becomes_our_error(exchange, api, upstream, status, code) -> None:
    exchange.answers["/portfolio/balance"] = upstream
    answer = api("balance/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert answer["Cache-Control"] == "no-store"


def test_an_answer_without_what_was_promised_passes_byte_for_byte(exchange, api) -> None:
    exchange.answers["/portfolio/orders"] = b'{ "renamed":[1.50] }'
    answer = api("orders/")
    assert (answer.status_code, answer.content) == (200, b'{ "renamed":[1.50] }')


def test_a_retry_hint_is_the_same_in_header_and_body(exchange, api) -> None:
    exchange.answers["/portfolio/balance"] = HttpError(429)
    answer = api("balance/")
    if "retry_after_s" in answer.json():
        assert answer["Retry-After"] == str(answer.json()["retry_after_s"])
    assert "Retry-After" in answer.headers


def test_a_404_is_remembered_for_a_moment(exchange, api) -> None:
    exchange.answers["/markets/KXNONE"] = HttpError(404)
    assert api("markets/KXNONE/").status_code == 404
    assert api("markets/KXNONE/").status_code == 404
    assert exchange.asked("/markets/KXNONE") == 1


def test_a_bug_of_ours_is_500_json_without_a_traceback(exchange, api, monkeypatch) -> None:
    monkeypatch.setattr("kalshi.services.read.read", lambda *a, **k: 1 / 0)
    answer = api("balance/")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert b"ZeroDivision" not in answer.content and b"Traceback" not in answer.content


def test_accept_headers_do_not_change_the_format(exchange, api) -> None:
    assert api("balance/", HTTP_ACCEPT="text/html").content == BODIES["/portfolio/balance"]


def test_an_odd_request_id_is_replaced_and_a_good_one_kept(exchange, api) -> None:
    assert api("balance/", HTTP_X_REQUEST_ID="my-trace-0001")["X-Request-ID"] == "my-trace-0001"
    assert api("balance/", HTTP_X_REQUEST_ID='x"\n<script>')["X-Request-ID"] != 'x"\n<script>'


def test_quoting_survives_to_the_exchange(exchange, api) -> None:
    api("orders/?ticker=" + quote("KX-A.B_C"))
    assert ("/portfolio/orders", {"limit": "100", "ticker": "KX-A.B_C"}) in _as_text(exchange.calls)


LISTS = [
    (e.route, param.name, param.max_items)
    for e in ENDPOINTS.values()
    for param in e.query_params
    if e.route and param.serialization == "repeat" and param.kind == "string" and param.max_items
]


@pytest.mark.parametrize(
    ("route", "name", "most"), LISTS, ids=[f"{route}-{name}" for route, name, _ in LISTS]
)
def test_the_longest_list_that_kalshi_takes_is_passed_on(exchange, api, route, name, most) -> None:
    values = [(name, f"KX{number}") for number in range(most)]
    assert api(f"{route}/?{urlencode([*values, ('account', 'default')])}").status_code == 200
    assert api(f"{route}/?{urlencode([*values, (name, 'KXMORE')])}").status_code == 400
