"""Kalshi's side of a signature: checked with the public key, written independently of our signing."""

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kalshi.upstream.pem import PrivateKey


def verify(key: PrivateKey, headers: Mapping[str, str], method: str, path: str) -> None:
    """Raise InvalidSignature unless the headers sign exactly this request path."""
    by_name = {name.lower(): value for name, value in headers.items()}
    signature = base64.b64decode(by_name["kalshi-access-signature"], validate=True)
    message = f"{by_name['kalshi-access-timestamp']}{method}{path}".encode()
    if isinstance(key, Ed25519PrivateKey):
        key.public_key().verify(signature, message)
        return
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    key.public_key().verify(signature, message, pss, hashes.SHA256())
