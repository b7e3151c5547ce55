"""Who may see what: tokens, sessions, and a walk over every URL of the product."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from knox.models import get_token_model

BALANCE = "/api/v1/kalshi/balance/"
OPEN = {"healthz", "readyz", "sign-in", "sign-in-link"}


def get(path: str, authorization: str | None = None, client: Client | None = None):
    headers = {} if authorization is None else {"HTTP_AUTHORIZATION": authorization}
    return (client or Client()).get(path, **headers)


def test_a_stranger_gets_401_json_and_no_redirect(exchange) -> None:
    answer = get(BALANCE)
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    assert answer["WWW-Authenticate"] == "Bearer"
    assert exchange.account_calls == []


@pytest.mark.parametrize(
    "credential",
    ["Bearer", "Bearer ", "Bearer nope", "Bearer a b", "Bearer \x00", "Bearer é", "Bearer " + "a" * 9000],
)
def test_a_malformed_token_is_401(exchange, credential) -> None:
    assert get(BALANCE, credential).status_code == 401


def test_an_expired_token_is_401(exchange, user) -> None:
    _, token = get_token_model().objects.create(user, expiry=timedelta(seconds=-1), name="old")
    assert get(BALANCE, f"Bearer {token}").status_code == 401


def test_a_revoked_token_is_401(exchange, user, token) -> None:
    assert get(BALANCE, f"Bearer {token}").status_code == 200
    get_token_model().objects.all().delete()
    assert get(BALANCE, f"Bearer {token}").status_code == 401


def test_the_token_of_a_disabled_person_is_401(exchange, user, token) -> None:
    user.is_active = False
    user.save()
    assert get(BALANCE, f"Bearer {token}").status_code == 401


def test_tokens_are_hashed_at_rest(user, token) -> None:
    row = get_token_model().objects.get()
    assert token not in (row.digest, row.token_key)
    assert len(row.digest) == 128


def test_a_session_works_like_a_token(exchange, user) -> None:
    client = Client()
    client.force_login(user)
    assert get(BALANCE, client=client).status_code == 200


def test_a_bad_token_is_not_rescued_by_a_session(exchange, user) -> None:
    client = Client()
    client.force_login(user)
    assert get(BALANCE, "Bearer nope", client=client).status_code == 401


def test_a_preflight_from_an_allowed_origin_needs_no_sign_in(exchange, settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://dash.example.com"]
    answer = Client().options(
        BALANCE,
        HTTP_ORIGIN="https://dash.example.com",
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization, if-none-match",
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == "https://dash.example.com"
    for name in ("authorization", "cache-control", "if-none-match", "x-kalshi-account"):
        assert name in answer["Access-Control-Allow-Headers"].lower()


def test_an_allowed_origin_may_read_the_freshness_headers(exchange, api, settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://dash.example.com"]
    answer = api("balance/", HTTP_ORIGIN="https://dash.example.com")
    for name in ("age", "date", "etag", "cache-status", "x-request-id", "retry-after"):
        assert name in answer["Access-Control-Expose-Headers"].lower()
    assert answer["Vary"] == "Authorization, Cookie, Origin, X-Kalshi-Account"


def test_other_origins_are_not_allowed(exchange, api, settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://dash.example.com"]
    assert (
        "Access-Control-Allow-Origin" not in api("balance/", HTTP_ORIGIN="https://evil.example.com").headers
    )


def every_pattern(patterns=None, prefix=""):
    for entry in patterns if patterns is not None else get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            yield from every_pattern(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield entry.name, prefix + str(entry.pattern)


def concrete(route: str) -> str:
    """A path that the pattern of a route takes."""
    path = re.sub(r"\(\?P<\w+>[^)]*\)", "1", route)
    path = re.sub(r"<(?:\w+:)?\w+>", "1", path)
    return "/" + path.replace("^", "").replace("(/|\\Z)", "/").replace("/?\\Z", "/").replace(
        "\\Z", ""
    ).replace("$", "")


def test_every_url_but_the_open_ones_needs_a_sign_in(exchange) -> None:
    seen = set()
    for name, route in every_pattern():
        path = concrete(route)
        answer = get(path)
        seen.add(path)
        if name in OPEN:
            assert answer.status_code in {200, 410}, path
        else:
            location = answer.headers.get("Location", "")
            redirected = location.startswith(("/sign-in/", "/admin/login/")) or location == "/admin/"
            assert answer.status_code in {401, 405} or redirected, (path, answer.status_code, location)
    assert BALANCE in seen and len(seen) > 20


def test_every_url_refuses_to_be_posted_to_without_a_session(exchange) -> None:
    for name, route in every_pattern():
        if name in OPEN:
            continue
        answer = Client(enforce_csrf_checks=True).post(concrete(route))
        assert answer.status_code in {302, 403, 405}, (route, answer.status_code)
