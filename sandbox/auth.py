"""Checks of signed requests, each failure with the body the real exchange sends."""

import base64
import binascii
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from sandbox.errors import coded
from sandbox.key_files import PublicKey
from sandbox.keys import ApiKey, ApiKeys

HEADERS = ("KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE")
TOLERANCE_MS = 15_000
MILLISECONDS = re.compile(r"\d{1,15}", re.ASCII)
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


def authenticate(
    keys: ApiKeys, headers: Mapping[str, str], method: str, raw_path: str, now_ms: float
) -> ApiKey | None:
    """The key of a good signature, None for a request without any of the three headers; else raises ApiError 401.

    `raw_path` is the path as sent, percent-encoding and prefix included, without the query.
    """
    key_id, timestamp, signature = (headers.get(name, "") for name in HEADERS)
    if not (key_id or timestamp or signature):
        return None
    if not (key_id and timestamp and signature):
        raise coded(401, "signature_is_missing_from_headers")
    key = keys.get(key_id)
    if key is None:
        raise coded(401, "authentication_error", "authentication_error", "NOT_FOUND")
    if not MILLISECONDS.fullmatch(timestamp) or abs(int(timestamp) - now_ms) > TOLERANCE_MS:
        raise coded(401, "header_timestamp_expired")
    if not verified(key.public, signature, f"{timestamp}{method}{raw_path}".encode(errors="surrogateescape")):
        raise coded(401, "authentication_error", "authentication_error", "INCORRECT_API_KEY_SIGNATURE")
    return key


def verified(public: PublicKey, signature: str, message: bytes) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(public, Ed25519PublicKey):
            public.verify(raw, message)
        else:
            public.verify(raw, message, PSS, hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
