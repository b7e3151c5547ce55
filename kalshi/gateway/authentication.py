"""Callers who sign their requests with a virtual key, as they would for Kalshi; with or without a token besides."""

import math
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from kalshi.errors import Forbidden
from kalshi.models import VirtualKey
from kalshi.services import access, signed_requests, virtual_keys
from kalshi.services.key_usage import usage
from kalshi.services.seen_addresses import note_use
from kalshi.services.signed_requests import KEY, SIGNATURE, TIMESTAMP
from kalshi.views.authentication import BearerAuthentication


class SignatureRefused(exceptions.AuthenticationFailed):
    """`code` and `details` are Kalshi's words for the fault."""

    def __init__(self, message: str, details: str, code: str = "authentication_error") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.code = code


class SignedAuthentication(BaseAuthentication):
    """The three KALSHI-ACCESS headers. Row, signature and timestamp are looked at anew for every request.

    A key that is unknown, blocked, revoked or expired, or whose owner is not active, is refused in the same words.
    """

    def authenticate(self, request: Request) -> tuple[Any, VirtualKey] | None:
        key_id, timestamp, signature = (_header(request.META, name) for name in (KEY, TIMESTAMP, SIGNATURE))
        if not (key_id or timestamp or signature):
            return None
        if not (key_id and timestamp and signature):
            raise SignatureRefused(
                f"A signed request has three headers: {KEY}, {TIMESTAMP}, {SIGNATURE}.",
                "signature_is_missing_from_headers",
            )
        key = virtual_keys.named(key_id)
        if key is None or not key.is_good or not key.user.is_active:
            raise SignatureRefused("There is no such key here, or it is no longer good.", "NOT_FOUND")
        verify = signed_requests.verifier(signed_requests.parsed(key.public_key))
        covered = str(request.method).encode() + raw_path(request.META)
        fault = signed_requests.fault(
            verify, covered, _bytes(timestamp), _bytes(signature), now_ms=time.time() * 1000
        )
        if fault == "late":
            raise SignatureRefused(
                f"{TIMESTAMP} must be Unix time in milliseconds, at most 15 s from ours; set the clock.",
                "header_timestamp_expired",
                code="header_timestamp_expired",
            )
        if fault is not None:
            raise SignatureRefused(
                "The signature does not fit this key, time, method and path.", "INCORRECT_API_KEY_SIGNATURE"
            )
        usage.note(key_id)
        note_use(key, request.META.get("REMOTE_ADDR"))
        return key.user, key


class TokenAuthentication(BearerAuthentication):
    """A bearer token. Where the request is signed as well, both must be good and the token must open the key's account;
    the caller is the key then, with its own limits. Some clients can only be told to send a token with every request.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found = super().authenticate(request)
        signed = None if found is None else SignedAuthentication().authenticate(request)
        if found is None or signed is None:
            return found
        _, key = signed
        if key.account not in access.accounts(*found):
            raise Forbidden("The bearer token beside the key does not open the key's account.")
        return signed


def good_for_s(environ: Mapping[str, Any]) -> float:
    """How long this very request could be sent again, in seconds; without a signature: for ever.

    Some clients wait as Retry-After says and send the same headers again, the official one in Python among them. Where
    the signature is too old by then, they would hear of their clock and not of what is wrong.
    """
    timestamp = _header(environ, TIMESTAMP)
    if not (timestamp.isascii() and timestamp.isdigit()):
        return math.inf
    return (int(timestamp[:15]) + signed_requests.TOLERANCE_MS) / 1000 - time.time()


def _header(environ: Mapping[str, Any], name: str) -> str:
    return str(environ.get("HTTP_" + name.replace("-", "_"), ""))


def _bytes(value: str) -> bytes:
    """A header's value as it was sent; what cannot have been sent is no signature either."""
    return value.encode("latin-1", "replace")


def raw_path(environ: Mapping[str, Any]) -> bytes:
    """The path as it stood in the request line, without the query, as far as the server tells it."""
    raw: bytes | None = environ.get("asgi.scope", {}).get("raw_path")
    if raw is not None:
        return raw
    line: str | None = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if line is not None:
        return urlsplit(line).path.encode("latin-1", "replace")
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return quote(path.encode("latin-1", "replace")).encode()
