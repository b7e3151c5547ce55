"""Signatures are checked with the public key, over the path as sent; each failure has its own body."""

import base64
import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox.tests.client import PREFIX, Sandbox

BALANCE = "/portfolio/balance"


def raw_get(sandbox: Sandbox, target: str, headers: dict[str, str]) -> tuple[int, Any]:
    """A GET whose path goes out exactly as written."""
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=5)
    try:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


@pytest.mark.parametrize("key", ["rsa", "ed25519"])
@pytest.mark.parametrize("query", ["", "?subaccount=0", "?x=%2F&subaccount=0"])
def test_both_keys_open_the_account(frozen: Sandbox, key: str, query: str) -> None:
    answer = frozen.get(f"{BALANCE}{query}", key=key)
    assert answer.status_code == 200
    assert answer.json()["balance"] > 0


@pytest.mark.parametrize("key", ["rsa", "ed25519"])
def test_the_path_is_signed_as_it_is_sent(frozen: Sandbox, key: str) -> None:
    markets = frozen.body("/markets?series_ticker=KXBTCD&limit=1000")["markets"]
    ticker = next(market["ticker"] for market in markets if market["status"] == "active")
    assert "." in ticker
    for spelling in (ticker, ticker.replace(".", "%2E"), ticker.replace("-", "%2d")):
        path = f"{PREFIX}/markets/{spelling}"
        status, body = raw_get(frozen, path, frozen.headers(path, key=key))
        assert (status, body["market"]["ticker"]) == (200, ticker)
        if spelling != ticker:
            status, body = raw_get(frozen, path, frozen.headers(f"{PREFIX}/markets/{ticker}", key=key))
            assert (status, body["error"]["details"]) == (401, "INCORRECT_API_KEY_SIGNATURE")


def without(name: str) -> Callable[[Sandbox, dict[str, str]], dict[str, str]]:
    return lambda _, headers: {key: value for key, value in headers.items() if key != f"KALSHI-ACCESS-{name}"}


def shifted(seconds: float) -> Callable[[Sandbox, dict[str, str]], dict[str, str]]:
    return lambda sandbox, _: sandbox.headers(f"{PREFIX}{BALANCE}", shift_s=seconds)


def changed(name: str, value: str) -> Callable[[Sandbox, dict[str, str]], dict[str, str]]:
    return lambda _, headers: headers | {f"KALSHI-ACCESS-{name}": value}


def signed_over(path: str, *, method: str = "GET") -> Callable[[Sandbox, dict[str, str]], dict[str, str]]:
    return lambda sandbox, _: sandbox.headers(path, method=method)


def rsa_with(scheme: Any) -> Callable[[Sandbox, dict[str, str]], dict[str, str]]:
    def make(sandbox: Sandbox, _: dict[str, str]) -> dict[str, str]:
        headers = sandbox.headers(f"{PREFIX}{BALANCE}", key="rsa")
        message = f"{headers['KALSHI-ACCESS-TIMESTAMP']}GET{PREFIX}{BALANCE}".encode()
        signature = sandbox.private["rsa"].sign(message, scheme, hashes.SHA256())
        return headers | {"KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode()}

    return make


def other_key(sandbox: Sandbox, headers: dict[str, str]) -> dict[str, str]:
    return headers | {"KALSHI-ACCESS-KEY": sandbox.ids["rsa"]}


NO_HEADERS = {"code": "token_authentication_failure", "message": "token authentication failure"}
MISSING = {"code": "signature_is_missing_from_headers", "message": "signature is missing from headers"}
EXPIRED = {"code": "header_timestamp_expired", "message": "header timestamp expired"}
WRONG = {
    "code": "authentication_error",
    "message": "authentication_error",
    "details": "INCORRECT_API_KEY_SIGNATURE",
}
UNKNOWN = WRONG | {"details": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda *_: {}, NO_HEADERS),
        (without("KEY"), MISSING),
        (without("TIMESTAMP"), MISSING),
        (without("SIGNATURE"), MISSING),
        (shifted(-300), EXPIRED),
        (shifted(300), EXPIRED),
        (shifted(-16), EXPIRED),
        (changed("TIMESTAMP", "now"), EXPIRED),
        (changed("TIMESTAMP", "1795262400"), EXPIRED),
        (changed("KEY", "6b7b1f3c-0000-4000-8000-000000000000"), UNKNOWN),
        (changed("SIGNATURE", "AAAA"), WRONG),
        (changed("SIGNATURE", "not base64!"), WRONG),
        (other_key, WRONG),
        (signed_over(BALANCE), WRONG),
        (signed_over(f"{PREFIX}{BALANCE}?"), WRONG),
        (signed_over(f"{PREFIX}{BALANCE}", method="POST"), WRONG),
        (rsa_with(padding.PKCS1v15()), WRONG),
        (rsa_with(padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)), WRONG),
    ],
)
def test_each_failure_has_its_recorded_body(frozen: Sandbox, spoil: Any, error: dict[str, str]) -> None:
    headers = spoil(frozen, frozen.headers(f"{PREFIX}{BALANCE}"))
    assert raw_get(frozen, f"{PREFIX}{BALANCE}", headers) == (401, {"error": error})


@pytest.mark.parametrize("seconds", [-14, -1, 14])
def test_small_clock_errors_pass(frozen: Sandbox, seconds: float) -> None:
    headers = frozen.headers(f"{PREFIX}{BALANCE}", shift_s=seconds)
    assert raw_get(frozen, f"{PREFIX}{BALANCE}", headers)[0] == 200


def test_public_operations_work_unsigned_and_free(frozen: Sandbox) -> None:
    before = frozen.stats()
    assert frozen.get("/markets", key=None).status_code == 200
    after = frozen.stats()
    assert after["unsigned"] == before["unsigned"] + 1
    assert after["tokens_used"] == before["tokens_used"]


def test_a_signed_call_to_a_public_operation_is_checked_and_charged(frozen: Sandbox) -> None:
    before = frozen.stats()
    assert frozen.get("/exchange/status").status_code == 200
    headers = frozen.headers("/wrong")
    assert raw_get(frozen, f"{PREFIX}/exchange/status", headers)[0] == 401
    after = frozen.stats()
    assert after["tokens_used"] == before["tokens_used"] + 10
    assert after["rejected"]["401"] == before["rejected"]["401"] + 1


def test_the_key_files_belong_to_the_owner_alone(frozen: Sandbox) -> None:
    files = list(frozen.keys_dir.glob("*.pem"))
    assert len(files) == len(frozen.ids)
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
