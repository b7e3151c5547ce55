"""Every error becomes one JSON shape: `{"error", "code", "request_id"}` and `retry_after_s` where waiting helps."""

import logging
import math
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from rest_framework import exceptions as drf

from kalshi.errors import DatabaseUnavailable, KalshiError
from kalshi.request_id import REQUEST_ID

log = logging.getLogger("kalshi.views")

DATABASE_RETRY_S = 5
INTERNAL_ERROR = "Something went wrong on our side; the log has it under this request id."
READ_ONLY = "This gateway is read-only; only GET, HEAD and OPTIONS are answered."


def error_body(message: str, code: str, retry_after_s: float | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"error": message, "code": code, "request_id": REQUEST_ID.get()}
    if retry_after_s is not None:
        body["retry_after_s"] = math.ceil(retry_after_s)
    return body


def error_response(
    status: int,
    message: str,
    code: str,
    *,
    retry_after_s: float | None = None,
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    """`Retry-After` and `retry_after_s` are the same whole number of seconds, rounded up."""
    response = JsonResponse(error_body(message, code, retry_after_s), status=status, headers=headers)
    response["Cache-Control"] = "no-store"
    if retry_after_s is not None:
        response["Retry-After"] = str(math.ceil(retry_after_s))
    return response


def read_only_response() -> HttpResponse:
    return error_response(405, READ_ONLY, "read_only", headers={"Allow": "GET, HEAD, OPTIONS"})


def is_database_away(problem: Exception) -> bool:
    """Whether the database itself is at fault. Its other errors say that a statement was: a bug of ours."""
    # SQLite says "not a database" and "malformed" with the bare class.
    return isinstance(problem, OperationalError | InterfaceError) or type(problem) is DatabaseError


def database_unavailable(problem: Exception) -> DatabaseUnavailable:
    """The error to answer with, once it is logged: in one line and without the driver's words, which name addresses."""
    log.error("the database does not answer (%s)", type(problem).__name__)
    return DatabaseUnavailable(
        "Our database does not answer, so nobody can be let in; try again in a moment.",
        retry_after_s=DATABASE_RETRY_S,
    )


def as_logged(response: HttpResponse) -> HttpResponse:
    """Keep Django from logging the answer a second time, as it does with every 5xx."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # what Django's log_response looks at
    return response


def handle(problem: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's exception handler for our views. Never lets an exception through, so no traceback reaches a caller."""
    if is_database_away(problem):
        return as_logged(handle(database_unavailable(problem), context))
    match problem:
        case KalshiError():
            return error_response(
                problem.status, problem.message, problem.code, retry_after_s=problem.retry_after_s
            )
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            sentence = (
                "Sign in, or send a valid Authorization: Bearer <token>."
                if isinstance(problem, drf.NotAuthenticated)
                else "The credential is not valid: it is unknown, expired or revoked."
            )
            return error_response(401, sentence, "not_signed_in", headers={"WWW-Authenticate": "Bearer"})
        case drf.PermissionDenied() | PermissionDenied():
            return error_response(403, "You may not see this.", "forbidden")
        case drf.Throttled():
            return error_response(
                429,
                "Too many requests; slow down.",
                "too_many_requests",
                retry_after_s=getattr(problem, "wait", None),
            )
        case drf.NotFound() | Http404():
            return error_response(404, "There is nothing under this path.", "not_found")
        case drf.APIException() if problem.status_code < 500:
            return error_response(400, str(problem.detail), "bad_request")
    log.error("unhandled %s", type(problem).__name__, exc_info=problem)
    return error_response(500, INTERNAL_ERROR, "internal_error")
