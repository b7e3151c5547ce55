"""Requests that are signed with a virtual key, checked in the event loop: every one of them, each time anew.

Only the public key is kept of a caller whom Django let in. What the caller may see is Django's judgement, for this very
key, peer and address, and counts two seconds as everybody's does.
"""

from __future__ import annotations

import time
from collections import OrderedDict

from kalshi.edge.callers import Credential, SignedBy
from kalshi.services.signed_requests import PublicKey, fault

MAX_KEYS = 4_096
PREFIX = b"/trade-api/"

# Key id, method, path as sent, timestamp, signature.
Signed = tuple[bytes, str, bytes, bytes, bytes]


def caller(
    ours: list[bytes | None], method: str, raw_path: bytes, peer: str
) -> tuple[Credential | SignedBy, Signed | None] | None:
    """Who asks, by the headers of ready.our_headers, and what is left to check; None: a question for Django alone."""
    key_id, timestamp, signature = ours[8], ours[9], ours[10]
    if key_id is None and timestamp is None and signature is None:
        return (ours[0], ours[1]), None
    if key_id is None or timestamp is None or signature is None:
        return None
    if ours[0] is not None or not raw_path.startswith(PREFIX):  # Django looks at Authorization first
        return None
    return ("signed", key_id, peer), (key_id, method, raw_path, timestamp, signature)


class Keys:
    """Public keys by key id. Used by the event loop alone."""

    def __init__(self, most: int = MAX_KEYS) -> None:
        self._most = most
        self._keys: OrderedDict[bytes, PublicKey] = OrderedDict()

    def learn(self, key_id: bytes, key: PublicKey) -> None:
        """Django found a good signature of this key."""
        self._keys[key_id] = key
        self._keys.move_to_end(key_id)
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)

    def verifies(self, signed: Signed) -> bool:
        """Whether signature and timestamp are good now. No verdict is remembered."""
        key_id, method, raw_path, timestamp, signature = signed
        key = self._keys.get(key_id)
        if key is None:
            return False
        now_ms = time.time() * 1000
        return fault(key, method.encode(), raw_path, timestamp, signature, now_ms=now_ms) is None
