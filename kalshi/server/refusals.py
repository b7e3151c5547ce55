"""Answers to what is not a request that we read: whole, ready to be written, and the last of their connection."""

from __future__ import annotations

import json

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

BUSY_S = 2
"""After which whoever has too many requests in line may ask again."""


def _body(sentence: str, code: str = "bad_request", **more: int) -> bytes:
    return json.dumps({"error": sentence, "code": code, "request_id": "-", **more}).encode()


def _refusal(status: int, body: bytes) -> bytes:
    head = b"content-type: application/json\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n"
    end = b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
    return b"".join((STATUS_LINE[status], head, end, body))


def without_body(refusal: bytes) -> bytes:
    """What a HEAD is answered."""
    return refusal.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


TOO_LARGE_BODY = _body("The request is larger than 256 KB.")
TOO_MANY_BODY = _body(
    "Too many of your requests wait already; wait for their answers.",
    "too_many_requests",
    retry_after_s=BUSY_S,
)

NOT_HTTP = _refusal(400, _body("This is not a request in HTTP/1.1."))
TOO_LARGE = _refusal(413, TOO_LARGE_BODY)
LONG_LINE = _refusal(414, _body("The address is longer than 96 KB, or its path than 8 KB."))
LONG_HEADERS = _refusal(431, _body("The header fields are longer than 16 KB together."))
VERSION = _refusal(505, _body("Only HTTP/1.1 and HTTP/1.0 are answered."))
