"""Requests that a client signed as Kalshi wants them signed, checked with the public half of its key. Pure.

The text is that of kalshi.upstream.signing: timestamp + METHOD + path as sent, without the query. Good for RSA keys
(PSS, SHA-256, salt of 32 bytes) and Ed25519 keys. The query and the body are not covered: only TLS protects them.
"""

import binascii
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

KEY, TIMESTAMP, SIGNATURE = "KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"
TOLERANCE_MS = 15_000
PARSED_KEYS = 4_096

PublicKey = RSAPublicKey | Ed25519PublicKey
Fault = Literal["late", "wrong"]
Verify = Callable[[bytes, bytes], bool]
"""Given a signature and the text it is about: whether it is good."""

MAX_DIGITS = 15

_SHA256 = hashes.SHA256()
_PSS = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=32)


def verifier(key: PublicKey) -> Verify:
    """The check of one key, chosen once: the type of a key costs as much to find out as all the rest of ours."""
    if isinstance(key, Ed25519PublicKey):
        return _ed25519(VerifyKey(key.public_bytes_raw()))
    return _rsa(key)


def _ed25519(key: VerifyKey) -> Verify:
    # libsodium needs half the time of OpenSSL for it.
    def verify(signature: bytes, text: bytes) -> bool:
        try:
            key.verify(text, signature)
        except (BadSignatureError, ValueError):  # ValueError: not of 64 bytes
            return False
        return True

    return verify


def _rsa(key: RSAPublicKey) -> Verify:
    def verify(signature: bytes, text: bytes) -> bool:
        try:
            key.verify(signature, text, _PSS, _SHA256)
        except InvalidSignature:
            return False
        return True

    return verify


def fault(
    verify: Verify, covered: bytes, timestamp: bytes, signature: bytes, *, now_ms: float
) -> Fault | None:
    """None when the signature is good: "late" when the timestamp is none or more than 15 s away, else "wrong".

    covered: the method and the path as it stood in the request line, percent-encoding and all, without the query.
    timestamp, signature: the headers' values. Nothing about the request is remembered, so the same request is checked
    again when it comes again.
    """
    if not timestamp.isdigit() or len(timestamp) > MAX_DIGITS or abs(int(timestamp) - now_ms) > TOLERANCE_MS:
        return "late"
    try:
        raw = binascii.a2b_base64(signature, strict_mode=True)
    except binascii.Error:
        return "wrong"
    # The last character has bits that mean nothing; only one spelling of a signature is taken.
    if binascii.b2a_base64(raw, newline=False) != signature:
        return "wrong"
    return None if verify(raw, timestamp + covered) else "wrong"


@lru_cache(PARSED_KEYS)
def parsed(public_pem: str) -> PublicKey:
    """The key in a PEM text of ours. The parsed key is all that is remembered of a caller."""
    key = load_pem_public_key(public_pem.encode())
    if not isinstance(key, RSAPublicKey | Ed25519PublicKey):
        raise TypeError(f"a virtual key is RSA or Ed25519, not {type(key).__name__}")
    return key
