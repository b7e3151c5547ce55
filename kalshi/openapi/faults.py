"""The error answers of both APIs as components: statuses and code words come from the tree of kalshi.errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from kalshi.errors import KalshiError, TooManyRequests
from kalshi.gateway.errors import WORDS
from kalshi.openapi import headers
from kalshi.openapi.bodies import Schema, ref

_SENTENCES = {
    400: "A parameter is not allowed, here or by Kalshi.",
    401: "No credential, or one that is unknown, expired or revoked.",
    403: "The caller may not see this.",
    404: "Kalshi does not know it.",
    429: "The limit of the caller is reached.",
    500: "A fault of ours; the log has it under the X-Request-ID.",
    502: "Kalshi refuses the server's key, or its answer cannot be read.",
    503: "Nothing is cached and Kalshi cannot be asked now.",
}
# What Kalshi says of a question itself passes through the gateway with its own bytes.
PASSED = (400, 403, 404)
KALSHI_ERROR = "KalshiError"


def _codes() -> dict[int, list[str]]:
    """Status -> the code words of our own API."""
    found: dict[int, set[str]] = defaultdict(set, {401: {"not_signed_in"}})
    classes: list[type[KalshiError]] = [KalshiError]
    for each in classes:
        found[each.status].add(each.code)
        classes += each.__subclasses__()
    return {status: sorted(codes) for status, codes in sorted(found.items())}


CODES = _codes()


def _own(status: int) -> Schema:
    body: Schema = {
        "type": "object",
        "required": ["error", "code", "request_id"],
        "additionalProperties": False,
        "properties": {
            "error": {"type": "string", "description": "A sentence for a person."},
            "code": {"type": "string", "enum": CODES[status]},
            "request_id": {"type": "string"},
            "retry_after_s": {"type": "integer", "description": "As Retry-After."},
        },
    }
    example: Schema = {
        "error": _SENTENCES[status],
        "code": CODES[status][0],
        "request_id": "bbc8c7ea0e334576",
    }
    return _answer(status, {"application/json": {"schema": body, "example": example}})


def _kalshis(status: int) -> Schema:
    if status in PASSED:
        ours = {"error": {"code": WORDS[CODES[status][0]], "message": _SENTENCES[status]}}
        return _answer(
            status,
            {"application/json": {"schema": ref(KALSHI_ERROR), "example": ours}} | _TEXT,
            "Kalshi's own answer, unchanged, or ours.",
        )
    if status == 401:
        words = ["authentication_error", "header_timestamp_expired"]
        details = ["token_authentication_failure", "signature_is_missing_from_headers", "NOT_FOUND"]
        details += ["INCORRECT_API_KEY_SIGNATURE", "header_timestamp_expired"]
    else:
        words = sorted({WORDS.get(code, "service_unavailable") for code in CODES[status]})
        details = [code for code in CODES[status] if code not in words]
    error: Schema = {"code": {"type": "string", "enum": words}, "message": {"type": "string"}}
    example = {"code": words[0], "message": _SENTENCES[status]}
    if details:
        error["details"] = {"type": "string", "enum": details}
        example["details"] = details[0]
    body = {
        "type": "object",
        "required": ["error"],
        "additionalProperties": False,
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "additionalProperties": False,
                "properties": error,
            }
        },
    }
    limits = headers.LIMIT if status in {429, 503} else ()
    return _answer(
        status, {"application/json": {"schema": body, "example": {"error": example}}}, limits=limits
    )


_TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}


def _answer(status: int, content: Schema, more: str = "", limits: Iterable[str] = ()) -> Schema:
    extra = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(status, ())
    return {
        "description": f"{_SENTENCES[status]} {more}".strip(),
        "headers": headers.refs([*headers.ERROR, *extra, *limits]),
        "content": content,
    }


OWN = tuple(status for status in CODES if status != TooManyRequests.status)
GATEWAY = tuple(CODES)


def responses() -> dict[str, Schema]:
    """The components: `Error400` of our own API, `KalshiError400` of the gateway."""
    rare = {
        "description": "Another refusal of Kalshi's, unchanged.",
        "content": {"application/json": {"schema": {}}} | _TEXT,
    }
    return (
        {f"Error{status}": _own(status) for status in OWN}
        | {f"KalshiError{status}": _kalshis(status) for status in GATEWAY}
        | {"KalshiError4XX": rare}
    )


def refs_of_own() -> Schema:
    return {str(status): ref(f"Error{status}", "responses") for status in OWN}


def refs_of_gateway() -> Schema:
    return {str(status): ref(f"KalshiError{status}", "responses") for status in (*GATEWAY, "4XX")}
