"""The key of an authenticator app as text that only the ring opens, bound to its row and its person."""

from __future__ import annotations

import json

from kalshi.accounts.ring import KeyRing, WrongRing

PLAIN = "plain:"
"""How the text of a key begins that an earlier version kept readable and that no ring has sealed yet."""


def seal(ring: KeyRing, *, uid: str, user: str, key: bytes) -> str:
    """uid: of the row; user: the person's primary key."""
    return ring.seal(json.dumps({"authenticator": uid, "user": user, "key": key.hex()}).encode())


def unseal(ring: KeyRing, sealed: str, *, uid: str, user: str) -> bytes:
    """The key. Raises WrongRing when the ring does not fit, or it was sealed for something else."""
    content = json.loads(ring.open(sealed))
    if content.get("authenticator") != uid or content.get("user") != user:
        raise WrongRing("It was sealed for another person. Set the second factor up again.")
    return bytes.fromhex(content["key"])


def plain_key(text: str) -> bytes | None:
    """The key in a text that is not sealed; None for one that is."""
    return bytes.fromhex(text.removeprefix(PLAIN)) if text.startswith(PLAIN) else None
