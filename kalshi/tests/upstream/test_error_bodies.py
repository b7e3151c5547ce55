import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.errors import (
    AuthRejected,
    LimitedOnTheWay,
    NotFound,
    NotTheExchange,
    RateLimited,
    TimestampExpired,
    UnexpectedPayload,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from kalshi.upstream.error_bodies import ErrorWords, error_of, error_words

RECORDED = Path(__file__).resolve().parents[3] / "reference" / "kalshi-api" / "recorded-2026" / "errors.json"
KEY_ID = "3f0c9d1e-7a54-4b1c-9d7f-6a2b8c5e0f11"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"error": {"code": "bad_request", "message": "bad", "details": "why"}},
            ErrorWords("bad_request", "bad", "why"),
        ),
        ({"error": {"code": "x", "message": "y", "details": None, "service": "z"}}, ErrorWords("x", "y")),
        ({"code": "not_found", "message": "not found"}, ErrorWords("not_found", "not found")),
        ({"code": "internal", "message": None}, ErrorWords("internal")),
        ({"msg": "Parameter validation failed."}, ErrorWords(message="Parameter validation failed")),
        ({"error": "too many requests"}, ErrorWords(message="too many requests")),
        ({"error": {"code": "user_not_found:8d3e", "message": "m"}}, ErrorWords("user_not_found", "m")),
        ({"error": {"code": 5, "message": ["x"]}}, ErrorWords()),
        ({"exchange_active": False, "trading_active": False}, ErrorWords()),
        ([], ErrorWords()),
        (None, ErrorWords()),
    ],
)
def test_it_reads_all_four_shapes(body: object, words: ErrorWords) -> None:
    assert error_words(json.dumps(body).encode()) == words


@pytest.mark.parametrize("body", [b"", b"<html>502</html>", b"\xff\xfe", b"{", b"[" * 100_000, b"NaN"])
def test_it_survives_empty_and_html_bodies(body: bytes) -> None:
    assert error_words(body) == ErrorWords()
    assert error_of(502, {}, body).message == "Kalshi cannot answer now (502)."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, UnexpectedPayload),
        (206, UnexpectedPayload),
        (301, UnexpectedPayload),
        (400, UpstreamRefused),
        (401, AuthRejected),
        (403, AuthRejected),
        (404, NotFound),
        (405, UpstreamRefused),
        (409, UpstreamRefused),
        (429, RateLimited),
        (499, UpstreamRefused),
        (500, UpstreamUnavailable),
        (503, UpstreamUnavailable),
        (599, UpstreamUnavailable),
    ],
)
def test_the_status_decides(status: int, kind: type[UpstreamError]) -> None:
    body = b'{"error":{"code":"some_word","message":"some words"}}'
    error = error_of(status, {}, body)
    assert type(error) is kind
    assert error.upstream_status == status
    assert error.upstream_body == body
    assert error.message.endswith(".")
    # A request function may tell the status and no body: then it is taken at its word.
    assert type(error_of(status, {}, None)) is kind


STRANGERS = {
    "no body": b"",
    "white space": b" \r\n",
    "HTML": b"<!DOCTYPE html><html><head><title>Attention Required! | Some CDN</title></head></html>",
    "HTML without a title": b"<html>403</html>",
    "text": b"error code: 1020",
    "a message alone": b'{"message":"Forbidden"}',
    "another vendor's": b'{"success":false,"errors":[{"code":9109,"message":"Invalid token"}]}',
    "a number as code": b'{"code":403,"message":"Forbidden"}',
    "an error that is a number": b'{"error":403,"code":"x"}',
    "an error without a code": b'{"error":{"message":"Forbidden"}}',
    "a list": b'[{"code":"x"}]',
    "null": b"null",
    "our own words cut short": b'{"error":{"code":"bad_req',
    "a huge body": b'{"code":"x","message":"%b"}' % (b"y" * 100_000),
    "no UTF-8": b"\xff\xfe<",
    "a megabyte of brackets": b"[" * 2**20,
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 418, 431, 499])
@pytest.mark.parametrize("body", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_refusal_in_no_shape_of_the_exchange_is_a_fault_on_the_way(status: int, body: bytes) -> None:
    error = error_of(status, {}, body)
    assert type(error) is NotTheExchange
    assert (error.code, error.stale_ok, error.retryable) == ("upstream_unavailable", True, False)
    assert f"({status}, " in error.message and "key" not in error.message
    assert error.message.isprintable() and len(error.message) < 250


@pytest.mark.parametrize("status", [407, 408, 421, 425, 451])
@pytest.mark.parametrize("body", [*STRANGERS.values(), b'{"error":{"code":"x","message":"y"}}', None])
def test_some_statuses_are_never_the_exchanges(status: int, body: bytes | None) -> None:
    assert type(error_of(status, {}, body)) is NotTheExchange


@pytest.mark.parametrize("body", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_429_on_the_way_is_a_limit_that_is_not_the_exchanges(body: bytes) -> None:
    error = error_of(429, {"retry-after": "9"}, body)
    assert type(error) is LimitedOnTheWay
    assert (error.code, error.retry_after_s) == ("upstream_rate_limited", 9.0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "(403, no body)"),
        (b"<html><title>Access\ndenied</title>", '(403, an HTML page: "Access denied")'),
        (b"<html>", "(403, an HTML page)"),
        (b"error code: 1020", '(403, text: "error code: 1020")'),
        (b'{"message":"Forbidden"}', "(403, JSON unlike Kalshi's)"),
        (f"key {KEY_ID} refused".encode(), '(403, text: "key *** refused")'),
        (b"signature " + b"aB3/" * 90, '(403, text: "signature ***")'),
        (b"\x1b[31mred\x00", '(403, text: "[31mred")'),
    ],
)
def test_the_sentence_says_what_was_seen_and_no_secret(body: bytes, told: str) -> None:
    assert told in error_of(403, {}, body, secrets=[KEY_ID]).message


def test_a_wrong_clock_is_told_apart_from_a_wrong_key() -> None:
    assert type(error_of(401, {}, b'{"error":{"code":"header_timestamp_expired"}}')) is TimestampExpired


@pytest.mark.parametrize("case", json.loads(RECORDED.read_text()), ids=lambda case: case["case"])
def test_kalshis_recorded_words_are_passed_on(case: dict[str, Any]) -> None:
    body = json.dumps(case["body"]).encode()
    error = error_of(case["status"], {}, body)
    assert error.upstream_body == body
    words = error_words(body)
    assert words != ErrorWords()
    if type(error) not in (TimestampExpired, RateLimited):
        assert (words.message or words.code) in error.message


@pytest.mark.parametrize(
    ("details", "hint"),
    [("NOT_FOUND", "other environment"), ("INCORRECT_API_KEY_SIGNATURE", "does not belong")],
)
def test_a_refused_key_comes_with_the_likely_cause(details: str, hint: str) -> None:
    body = {"error": {"code": "authentication_error", "message": "authentication_error", "details": details}}
    assert hint in error_of(401, {}, json.dumps(body).encode()).message


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        (429, None, 1.0),
        (429, "7", 7.0),
        (429, "99999", 60.0),
        (429, "soon", 1.0),
        (429, "-5", 1.0),
        (503, "5", 5.0),
        (503, None, None),
    ],
)
def test_it_says_when_asking_again_makes_sense(
    status: int, header: str | None, expected: float | None
) -> None:
    headers = {} if header is None else {"retry-after": header}
    assert error_of(status, headers, b"").retry_after_s == expected


def test_the_status_body_of_the_exchange_is_kept() -> None:
    body = b'{"exchange_active":false,"trading_active":false}'
    assert error_of(503, {}, body).upstream_body == body


def test_our_key_id_is_masked_wherever_it_occurs() -> None:
    for text in (KEY_ID, KEY_ID.upper()):
        body = json.dumps({"error": {"code": "x", "message": f"key {text} unknown"}}).encode()
        error = error_of(400, {}, body, secrets=[KEY_ID])
        assert "key *** unknown" in error.message
        assert KEY_ID.encode() not in error.upstream_body.lower()


def test_a_huge_error_body_is_cut() -> None:
    assert len(error_of(500, {}, b"x" * 10**7).upstream_body) == 64 * 1024


@given(st.text(), st.integers(100, 599))
def test_upstream_words_are_one_short_printable_sentence(text: str, status: int) -> None:
    error = error_of(
        status, {}, json.dumps({"error": {"code": text, "message": text, "details": text}}).encode()
    )
    assert error.message.isprintable()
    assert len(error.message) < 1000


@given(st.binary())
def test_no_body_makes_it_raise(body: bytes) -> None:
    error_of(400, {}, body)


@pytest.mark.parametrize("inside", [1, 40, 87])
def test_a_secret_is_masked_where_the_limit_would_cut_it(inside: int) -> None:
    secret = "Ab+/" * 22
    body = b"." * (64 * 1024 - inside) + secret.encode()
    kept = error_of(500, {}, body, secrets=[secret]).upstream_body
    assert b"A" not in kept and len(kept) <= 64 * 1024


@pytest.mark.parametrize(
    "spelt", ["A%2B%2fb=", "A+/b", "A-_b", "A+\\/b=", "\\u0041\\u002B\\u002f\\u0062\\u003d"]
)
def test_a_secret_is_masked_however_it_is_spelt(spelt: str) -> None:
    error = error_of(400, {}, b'{"msg":"no %b here"}' % spelt.encode(), secrets=["", "A+/b="])
    assert error.upstream_body == b'{"msg":"no *** here"}'
    assert "no *** here" in error.message
