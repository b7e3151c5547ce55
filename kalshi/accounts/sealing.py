"""An account's private key as text that only the ring opens, bound to the account that it was sealed for."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kalshi.accounts.ring import KeyRing, WrongRing
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import parse_private_key


def seal(ring: KeyRing, *, uid: str, key_id: str, pem: str | bytes) -> str:
    """pem: in any shape that `parse_private_key` understands. Raises ConfigError when it is no usable key."""
    key = parse_private_key(pem, source="The private key")
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return ring.seal(json.dumps({"account": uid, "key_id": key_id, "pem": text}).encode())


def unseal(ring: KeyRing, sealed: str, *, uid: str, key_id: str) -> Credentials:
    """The credentials. Raises WrongRing when the ring does not fit, or it was sealed for another account or key id."""
    content = json.loads(ring.open(sealed))
    if content.get("account") != uid or content.get("key_id") != key_id:
        raise WrongRing("It was sealed for another account or another key id. Enter the private key again.")
    return Credentials(
        key_id, parse_private_key(content["pem"], source="The sealed key"), source="the database"
    )


def reseal(ring: KeyRing, sealed: str) -> str:
    """The same, sealed with the newest key. Raises WrongRing."""
    return ring.seal(ring.open(sealed))
