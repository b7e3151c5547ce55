"""Recovery codes: made, and hashed so that a copy of the database opens nothing."""

from __future__ import annotations

import hashlib
import secrets

COUNT = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike
HALF = 6  # of the twelve characters of a code: 59 bits
SALT_BYTES = 16
COST = 2**13
"""scrypt's N, with r = 8 and p = 1: some 25 ms and 8 MB for each guess. A password needs more; codes are drawn from 59
bits (those of earlier versions: 49), and with these the guessing takes centuries. A code must be checked at once, and
ten of them made while somebody waits.
"""


def new_codes() -> list[str]:
    """As they are shown, with a dash in the middle."""
    halves = (["".join(secrets.choice(ALPHABET) for _ in range(HALF)) for _ in "12"] for _ in range(COUNT))
    return ["-".join(pair) for pair in halves]


def normal(code: str) -> str:
    """A code as it is hashed, however it was typed."""
    return "".join(code.split()).replace("-", "").lower()


def digest(code: str, *, salt: str, cost: int) -> str:
    """salt: hexadecimal. One salt for all codes of a person, so that a guess is compared with all at once."""
    found = hashlib.scrypt(normal(code).encode(), salt=bytes.fromhex(salt), n=cost, r=8, p=1, dklen=32)
    return found.hex()


def new_salt() -> str:
    return secrets.token_hex(SALT_BYTES)
