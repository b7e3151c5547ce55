"""Who is let in at the gateway, and what each fault of a signed request is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kalshi.models import Account, ApiToken, Grant, VirtualKey
from kalshi.services.key_usage import usage
from kalshi.tests.epochs import LONG_AGO
from kalshi.tests.gateway.signing import ROOT, Signer, create

BALANCE = f"{ROOT}/portfolio/balance"
Ask = Callable[..., Any]


def refusal(answer: Any) -> tuple[int, str, str]:
    """Status, code and details of an error in Kalshi's shape."""
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert error["message"].endswith(".") and "X-Request-ID" in answer
    return answer.status_code, error["code"], error.get("details", "")


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signed_request_is_answered_with_kalshis_bytes(ask: Ask, exchange: Any, kind: str) -> None:
    exchange.answers["/portfolio/balance"] = b'{ "balance" :1.0e2,"x":"\\u00e9\\/" }'
    answer = ask("/portfolio/balance", create("--type", kind))
    assert (answer.status_code, answer.content) == (200, exchange.answers["/portfolio/balance"])
    assert answer["Cache-Status"] == "kalshi; fwd=miss; stored"
    assert answer["Age"] == "0" and answer["ETag"] and "KALSHI-ACCESS-KEY" in answer["Vary"]


def test_tokens_and_sessions_work_too(exchange: Any, granted: Any, token: str) -> None:
    assert Client().get(BALANCE, HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 200
    browser = Client()
    browser.force_login(granted)
    assert browser.get(BALANCE).status_code == 200


def test_our_own_api_takes_no_virtual_key(exchange: Any, signer: Signer) -> None:
    path = "/api/v1/kalshi/balance/"
    assert Client().get(path, **signer.meta(path)).status_code == 401


FAULTS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "no key id": (
        {"HTTP_KALSHI_ACCESS_KEY": ""},
        ("authentication_error", "signature_is_missing_from_headers"),
    ),
    "no timestamp": (
        {"HTTP_KALSHI_ACCESS_TIMESTAMP": ""},
        ("authentication_error", "signature_is_missing_from_headers"),
    ),
    "no signature": (
        {"HTTP_KALSHI_ACCESS_SIGNATURE": ""},
        ("authentication_error", "signature_is_missing_from_headers"),
    ),
    "unknown key": (
        {"HTTP_KALSHI_ACCESS_KEY": "00000000-0000-4000-8000-000000000000"},
        ("authentication_error", "NOT_FOUND"),
    ),
    "no key id at all": ({"HTTP_KALSHI_ACCESS_KEY": "x' OR 1=1"}, ("authentication_error", "NOT_FOUND")),
    "no base64": (
        {"HTTP_KALSHI_ACCESS_SIGNATURE": "né!"},
        ("authentication_error", "INCORRECT_API_KEY_SIGNATURE"),
    ),
    "empty signature": (
        {"HTTP_KALSHI_ACCESS_SIGNATURE": "===="},
        ("authentication_error", "INCORRECT_API_KEY_SIGNATURE"),
    ),
    "no number": (
        {"HTTP_KALSHI_ACCESS_TIMESTAMP": "now"},
        ("header_timestamp_expired", "header_timestamp_expired"),
    ),
    "seconds": (
        {"HTTP_KALSHI_ACCESS_TIMESTAMP": "1795187045"},
        ("header_timestamp_expired", "header_timestamp_expired"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_signed_request_is_called_by_its_name(ask: Ask, fault: str) -> None:
    meta, words = FAULTS[fault]
    assert refusal(ask("/portfolio/balance", **meta)) == (401, *words)


@pytest.mark.parametrize(("skew_s", "status"), [(-14, 200), (14, 200), (-16, 401), (16, 401)])
def test_the_clock_may_be_fifteen_seconds_off(
    exchange: Any, signer: Signer, skew_s: float, status: int
) -> None:
    answer = Client().get(BALANCE, **signer.meta(BALANCE, skew_s=skew_s))
    assert answer.status_code == status
    if status == 401:
        assert refusal(answer)[1] == "header_timestamp_expired"


@pytest.mark.parametrize(
    "signed",
    [
        "/portfolio/balance",
        f"{BALANCE}/",
        f"{BALANCE}?subaccount=1",
        f"{ROOT}/portfolio/orders",
        f"{ROOT}/portfolio/BALANCE",
        f"{ROOT}//portfolio/balance",
    ],
)
def test_a_signature_for_another_path_is_wrong(exchange: Any, signer: Signer, signed: str) -> None:
    meta = signer.meta("/") | {"HTTP_KALSHI_ACCESS_SIGNATURE": ""}
    headers = signer.headers(signed.replace("?", "%3F"))
    meta = {"HTTP_" + name.replace("-", "_"): value for name, value in headers.items()}
    assert refusal(Client().get(BALANCE, **meta))[2] == "INCORRECT_API_KEY_SIGNATURE"


def test_a_signature_for_another_method_is_wrong(exchange: Any, signer: Signer) -> None:
    assert Client().head(BALANCE, **signer.meta(BALANCE, "HEAD")).status_code == 200
    assert Client().head(BALANCE, **signer.meta(BALANCE, "GET")).status_code == 401
    assert Client().get(BALANCE, **signer.meta(BALANCE, "HEAD")).status_code == 401


def test_one_key_cannot_sign_for_another(exchange: Any, signer: Signer) -> None:
    other = create("--type", "ed25519")
    meta = signer.meta(BALANCE) | {"HTTP_KALSHI_ACCESS_KEY": other.key_id}
    assert refusal(Client().get(BALANCE, **meta))[2] == "INCORRECT_API_KEY_SIGNATURE"


def test_nobody_is_let_in_without_a_credential(exchange: Any, db: None) -> None:
    expected = (401, "authentication_error", "token_authentication_failure")
    assert refusal(Client().get(BALANCE)) == expected
    assert refusal(Client().get(BALANCE, HTTP_AUTHORIZATION="Basic eDp5")) == expected
    answer = Client().get(BALANCE, HTTP_AUTHORIZATION="Bearer " + "0" * 64)
    assert refusal(answer) == (401, "authentication_error", "NOT_FOUND")


def test_a_bad_token_is_not_saved_by_a_good_signature(exchange: Any, signer: Signer) -> None:
    meta = signer.meta(BALANCE) | {"HTTP_AUTHORIZATION": "Bearer " + "0" * 64}
    assert Client().get(BALANCE, **meta).status_code == 401


class TestATokenBesideAKey:
    """Some clients can send nothing but both, ccxt among them: the request may do what each of the two may."""

    @pytest.fixture
    def both(self, ask: Ask, token: str) -> Ask:
        return lambda path, *signer, **meta: ask(
            path, *signer, **({"HTTP_AUTHORIZATION": f"Bearer {token}"} | meta)
        )

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_bad_signature_is_not_saved_by_a_good_token(self, both: Ask, fault: str) -> None:
        meta, words = FAULTS[fault]
        assert refusal(both("/portfolio/balance", **meta)) == (401, *words)

    @pytest.mark.parametrize(
        "change", [{"blocked": True}, {"revoked_at": LONG_AGO}, {"expires_at": LONG_AGO}]
    )
    def test_a_key_that_is_no_longer_good_is_not_saved_either(
        self, both: Ask, signer: Signer, change: dict[str, Any]
    ) -> None:
        assert both("/portfolio/balance").status_code == 200
        VirtualKey.objects.update(**change)
        assert refusal(both("/portfolio/balance")) == (401, "authentication_error", "NOT_FOUND")

    def test_only_the_operations_of_the_key_are_answered(self, both: Ask) -> None:
        narrow = create("--type", "ed25519", "--operation", "get_balance")
        assert both("/portfolio/balance", narrow).status_code == 200
        assert refusal(both("/portfolio/orders", narrow))[:2] == (403, "permission_denied")

    def test_the_limit_of_the_key_holds(self, both: Ask) -> None:
        slow = create("--type", "ed25519", "--per-second", "0.02")
        answers = [both("/portfolio/balance", slow) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        # Sent again unchanged it would be too late: the signature ends before.
        assert "RateLimit" in answers[0] and "Retry-After" not in answers[1]

    def test_its_use_counts_as_the_keys(self, both: Ask, signer: Signer) -> None:
        usage.write()
        both("/portfolio/balance")
        usage.write()
        assert VirtualKey.objects.get(key_id=signer.key_id).used_count == 1

    def test_the_answer_is_about_the_keys_account_which_the_token_must_open_too(
        self, both: Ask, granted: Any, exchange: Any
    ) -> None:
        other = Account.objects.create(slug="other", label="Other", environment="sandbox")
        Grant.objects.create(user=granted, account=other)
        assert both("/portfolio/balance").status_code == 200
        assert both("/portfolio/balance", HTTP_X_KALSHI_ACCOUNT="other").status_code == 403
        called = len(exchange.account_calls)
        ApiToken.objects.update(account=other)
        answer = both("/portfolio/balance", HTTP_CACHE_CONTROL="no-cache")
        assert refusal(answer)[:2] == (403, "permission_denied")
        assert len(exchange.account_calls) == called

    def test_the_token_of_somebody_who_may_not_see_the_account_opens_nothing(
        self, both: Ask, django_user_model: Any
    ) -> None:
        _, theirs = ApiToken.objects.create(django_user_model.objects.create_user("bob"), name="theirs")
        answer = both("/portfolio/balance", HTTP_AUTHORIZATION=f"Bearer {theirs}")
        assert refusal(answer)[:2] == (403, "permission_denied")


def test_a_bad_signature_is_not_saved_by_a_session(exchange: Any, granted: Any, signer: Signer) -> None:
    browser = Client()
    browser.force_login(granted)
    assert browser.get(BALANCE, **signer.meta("/x")).status_code == 401


@pytest.mark.parametrize("change", ["blocked", "revoked", "expired", "owner inactive"])
def test_a_key_that_is_no_longer_good_is_as_one_that_never_was(ask: Ask, signer: Signer, change: str) -> None:
    assert ask("/portfolio/balance").status_code == 200
    key = VirtualKey.objects.get(key_id=signer.key_id)
    match change:
        case "blocked":
            key.blocked = True
        case "revoked":
            key.revoked_at = LONG_AGO
        case "expired":
            key.expires_at = LONG_AGO
        case "owner inactive":
            key.user.is_active = False
            key.user.save()
    key.save()
    assert refusal(ask("/portfolio/balance")) == (401, "authentication_error", "NOT_FOUND")


def test_a_key_reads_only_the_operations_that_it_allows(exchange: Any, ask: Ask, granted: Any) -> None:
    narrow = create("--type", "ed25519", "--operation", "get_balance")
    assert ask("/portfolio/balance", narrow).status_code == 200
    assert refusal(ask("/portfolio/orders", narrow))[:2] == (403, "permission_denied")
    assert ask("/portfolio/orders").status_code == 200


def test_a_key_shows_nothing_once_its_owner_lost_the_grant(ask: Ask, granted: Any) -> None:
    assert ask("/portfolio/balance").status_code == 200
    Grant.objects.filter(user=granted).delete()
    assert refusal(ask("/portfolio/balance"))[:2] == (403, "permission_denied")


def test_a_key_names_no_account_but_its_own(ask: Ask, granted: Any) -> None:
    other = Account.objects.create(slug="other", label="Other", environment="sandbox")
    Grant.objects.create(user=granted, account=other)
    assert ask("/portfolio/balance", HTTP_X_KALSHI_ACCOUNT="default").status_code == 200
    for slug in ("other", "nope"):
        answer = ask("/portfolio/balance", HTTP_X_KALSHI_ACCOUNT=slug)
        assert refusal(answer)[:2] == (403, "permission_denied")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/portfolio/orders", "/portfolio/orders/x", "/nope", "", "/"])
def test_whatever_would_write_is_405_before_anybody_is_asked_who_they_are(
    db: None, method: str, path: str
) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)(ROOT + path)
    assert refusal(answer)[:2] == (405, "read_only")
    assert "read-only" in answer.json()["error"]["message"] and answer["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize(
    "path", ["", "/", "/nope", "/api_keys", "/portfolio", "/portfolio/orders/a/b", "/../v2", "//"]
)
def test_any_other_path_is_404_and_says_that_the_gateway_only_reads(
    ask: Ask, exchange: Any, path: str
) -> None:
    answer = ask(path)
    assert refusal(answer)[:2] == (404, "not_found")
    assert "read-only" in answer.json()["error"]["message"]
    assert Client().get(ROOT + path).status_code == 401
    assert exchange.account_calls == []


@pytest.mark.parametrize("path", ["/trade-api", "/trade-api/", "/trade-api/v1/markets", "/trade-api/ws/v2"])
def test_other_versions_have_the_same_errors(exchange: Any, token: str, path: str) -> None:
    answer = Client().get(path, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert refusal(answer)[:2] == (404, "not_found")


def test_options_needs_a_caller_and_names_the_methods(exchange: Any, signer: Signer) -> None:
    assert Client().options(BALANCE).status_code == 401
    answer = Client().options(BALANCE, **signer.meta(BALANCE, "OPTIONS"))
    assert (answer.status_code, answer["Allow"]) == (204, "GET, HEAD, OPTIONS")
