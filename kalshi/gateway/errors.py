"""Errors in Kalshi's shape: `{"error": {"code", "message", "details"}}`; the request id is a header here.

What Kalshi says of a question (400, 403, 404 and the rarer 4xx) passes unchanged. What it says of our key, and what
keeps us from an answer, is told in our words: `code` is Kalshi's word, `details` the code of our own API.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from rest_framework import exceptions as drf

from kalshi.errors import AuthRejected, KalshiError, NotFound, RateLimited, UpstreamError, UpstreamRefused
from kalshi.gateway import rate_limit
from kalshi.gateway.authentication import SignatureRefused
from kalshi.services.freshness import VARY
from kalshi.upstream import documents
from kalshi.views.errors import as_logged, database_unavailable, is_database_away

log = logging.getLogger("kalshi.gateway")

# A private cache in between must not take one key's answer for another's.
GATEWAY_VARY = f"{VARY}, KALSHI-ACCESS-KEY"
READ_ONLY = "This gateway is read-only; only GET, HEAD and OPTIONS are answered."
UNKNOWN = "There is nothing to read under this path; this gateway is read-only."
# Where an error that passes by itself does not say how long it will take.
RETRY_S = 2

# By the code of our own API; for all others Kalshi's word is service_unavailable.
WORDS = {
    "bad_request": "bad_request",
    "forbidden": "permission_denied",
    "not_found": "not_found",
    "too_many_requests": "too_many_requests",
    "upstream_rejected_key": "bad_gateway",
    "upstream_bad_payload": "bad_gateway",
    "internal_error": "internal_server_error",
}


def error_response(
    status: int,
    code: str,
    message: str,
    details: str = "",
    *,
    retry_after_s: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    error = {"code": code, "message": message}
    if details:
        error["details"] = details
    response = JsonResponse({"error": error}, status=status, headers=dict(headers or {}))
    response["Cache-Control"] = "no-store"
    if retry_after_s is not None:
        response["Retry-After"] = str(math.ceil(retry_after_s))
    return response


def read_only_response() -> HttpResponse:
    return error_response(405, "read_only", READ_ONLY, headers={"Allow": "GET, HEAD, OPTIONS"})


def passes(problem: KalshiError) -> bool:
    """Whether it is Kalshi's answer to the question itself."""
    if not isinstance(problem, UpstreamError):
        return False
    if isinstance(problem, AuthRejected):
        return problem.upstream_status == 403
    return isinstance(problem, UpstreamRefused | NotFound) and problem.upstream_status is not None


def handle(problem: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's exception handler for the gateway's views. Never lets an exception through."""
    if is_database_away(problem):
        return as_logged(handle(database_unavailable(problem), context))
    match problem:
        case UpstreamError() if passes(problem):
            return _passed(problem)
        case KalshiError():
            return _ours(problem)
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return _unauthorized(problem)
        case drf.PermissionDenied() | PermissionDenied():
            return error_response(403, "permission_denied", "You may not see this.")
        case drf.APIException() if problem.status_code < 500:
            return error_response(400, "bad_request", str(problem.detail))
    log.error("unhandled %s", type(problem).__name__, exc_info=problem)
    sentence = "Something went wrong on our side; the log has it under the X-Request-ID."
    return error_response(500, "internal_server_error", sentence, "internal_error")


def _unauthorized(problem: drf.NotAuthenticated | drf.AuthenticationFailed) -> HttpResponse:
    code, details = "authentication_error", "NOT_FOUND"
    message = "The credential is not valid: it is unknown, expired or revoked."
    if isinstance(problem, SignatureRefused):
        code, message, details = problem.code, problem.message, problem.details
    elif isinstance(problem, drf.NotAuthenticated):
        details = "token_authentication_failure"
        message = "Sign the request with a virtual key, or send Authorization: Bearer <token>."
    return error_response(401, code, message, details, headers={"WWW-Authenticate": "Bearer"})


def _passed(problem: UpstreamError) -> HttpResponse:
    """Status and bytes of Kalshi's answer. Never as HTML, which a browser would run in our origin."""
    return HttpResponse(
        problem.upstream_body,
        status=problem.upstream_status,
        content_type="application/json" if _is_json(problem.upstream_body) else "text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


def _is_json(body: bytes) -> bool:
    try:
        documents.parse(body)
    except ValueError:
        return False
    return True


def _ours(problem: KalshiError) -> HttpResponse:
    retry_after_s = problem.retry_after_s
    if retry_after_s is None and problem.stale_ok and problem.status == 503:
        retry_after_s = RETRY_S
    code = WORDS.get(problem.code, "service_unavailable")
    headers = {}
    if isinstance(problem, RateLimited) and retry_after_s is not None:
        headers = rate_limit.of_spent_budget(retry_after_s)
    return error_response(
        problem.status,
        code,
        problem.message,
        problem.code if problem.code != code else "",
        retry_after_s=retry_after_s,
        headers=headers,
    )
