"""Requests that are signed with a virtual key, checked in the event loop: every one of them, each time anew.

Only the public key is kept of a caller whom Django let in. What the caller may see is Django's judgement, for this very
key, peer and address, and counts two seconds as everybody's does.
"""

from __future__ import annotations

import time

from kalshi.byte_table import ByteTable, size_of
from kalshi.edge.question import Question, Stamp
from kalshi.services.signed_requests import PublicKey, Verify, fault, verifier

KEYS_BYTES = 16 * 2**20
KEY_BYTES = 4_000
"""What a parsed public key costs."""


class Keys:
    """Public keys by key id. Used by the event loop alone."""

    def __init__(self, max_bytes: int = KEYS_BYTES) -> None:
        self._keys: ByteTable[bytes, Verify] = ByteTable(max_bytes)

    def learn(self, key_id: bytes, key: PublicKey) -> None:
        """Django found a good signature of this key."""
        self._keys.put(key_id, verifier(key), size_of(key_id) + KEY_BYTES)

    def verifies(self, question: Question, stamp: Stamp) -> bool:
        """Whether a signed request's signature and timestamp are good now. No verdict is remembered."""
        verify = None if question.key_id is None else self._keys.get(question.key_id)
        if verify is None or not stamp:
            return False
        timestamp, signature = stamp
        return fault(verify, question.covered, timestamp, signature, now_ms=time.time() * 1000) is None
