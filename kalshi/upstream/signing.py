"""Kalshi's request signature.

    KALSHI-ACCESS-KEY        key id
    KALSHI-ACCESS-TIMESTAMP  Unix time in milliseconds, decimal text
    KALSHI-ACCESS-SIGNATURE  standard base64 of sign(timestamp + METHOD + path)

`path` is the path as it stands on the wire, from the host root, with /trade-api/v2 and without the query. RSA
keys sign with PSS (SHA-256, MGF1 with SHA-256, salt of 32 bytes), Ed25519 keys sign the bytes themselves.
Pure: the time is a parameter.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Protocol

Signer = Callable[[str, str], dict[str, str]]
"""(method, path as sent) -> the three headers, with the time of the call."""


class SigningKey(Protocol):
    """What a signature needs of the credentials."""

    @property
    def key_id(self) -> str:
        """The id Kalshi knows the key by."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature bytes of a message."""
        ...


def signed_text(ts_ms: int, method: str, path: str) -> bytes:
    """The bytes that are signed. `path` may carry a query, which is left out."""
    return f"{ts_ms}{method.upper()}{path.partition('?')[0]}".encode()


def signature_headers(key: SigningKey, method: str, path: str, ts_ms: int) -> dict[str, str]:
    """The three headers for one request; good for a few seconds."""
    signature = key.sign(signed_text(ts_ms, method, path))
    return {
        "KALSHI-ACCESS-KEY": key.key_id,
        "KALSHI-ACCESS-TIMESTAMP": str(ts_ms),
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode("ascii"),
    }


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What nobody else may see of a request's headers: key id and signature, as texts."""
    return tuple(str(value) for name, value in headers.items() if str(name).upper() in _SECRET)


_SECRET = frozenset({"KALSHI-ACCESS-KEY", "KALSHI-ACCESS-SIGNATURE"})
