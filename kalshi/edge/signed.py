"""Requests that are signed with a virtual key, checked in the event loop: every one of them, each time anew.

Only the public key is kept of a caller whom Django let in. What the caller may see is Django's judgement, for this very
key, peer and address, and counts two seconds as everybody's does.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from kalshi.edge.question import Question, Stamp
from kalshi.services.signed_requests import PublicKey, Verify, fault, verifier

MAX_KEYS = 4_096


class Keys:
    """Public keys by key id. Used by the event loop alone."""

    def __init__(self, most: int = MAX_KEYS) -> None:
        self._most = most
        self._keys: OrderedDict[bytes, Verify] = OrderedDict()

    def learn(self, key_id: bytes, key: PublicKey) -> None:
        """Django found a good signature of this key."""
        self._keys[key_id] = verifier(key)
        self._keys.move_to_end(key_id)
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)

    def verifies(self, question: Question, stamp: Stamp) -> bool:
        """Whether a signed request's signature and timestamp are good now. No verdict is remembered."""
        verify = None if question.key_id is None else self._keys.get(question.key_id)
        if verify is None or not stamp:
            return False
        timestamp, signature = stamp
        return fault(verify, question.covered, timestamp, signature, now_ms=time.time() * 1000) is None
