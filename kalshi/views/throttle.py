"""How many requests one caller may make: token buckets in this process, so that no request waits for another server.

With several workers each has its own buckets, so a caller gets up to that many times as much.
"""

from __future__ import annotations

import threading
import time
from typing import cast

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from kalshi.byte_table import ByteTable, size_of
from kalshi.errors import TooManyRequests
from kalshi.limits.bucket import Bucket
from kalshi.services import access

CALLERS_BYTES = 4 * 2**20
BUCKET_BYTES = 250


class Buckets:
    """One bucket for each caller; the caller unseen for longest is forgotten, with a full bucket."""

    def __init__(self, capacity: float, refill_per_s: float, max_bytes: int = CALLERS_BYTES) -> None:
        self._capacity = capacity
        self._refill_per_s = refill_per_s
        self._lock = threading.Lock()
        self._buckets: ByteTable[str, Bucket] = ByteTable(max_bytes)

    def take(self, caller: str, now: float | None = None) -> float:
        """Spend one token. Returns 0, or the seconds until there is one; then none was spent."""
        now = time.monotonic() if now is None else now
        with self._lock:
            bucket = self._buckets.get(caller) or Bucket(
                self._capacity, self._refill_per_s, self._capacity, now
            )
            bucket = bucket.at(now)
            wait_s = bucket.wait_s(1)
            bucket = bucket if wait_s else bucket.spent(1)
            self._buckets.put(caller, bucket, size_of(caller) + BUCKET_BYTES)
        return wait_s


class CallerThrottle(BaseThrottle):
    """For requests that reach Django; what the edge answers from memory costs so little that it is not counted.

    The limit is far above what pollers need and below what one caller could use up for all others.
    """

    callers = Buckets(capacity=2_000, refill_per_s=200)

    def allow_request(self, request: Request, view: APIView) -> bool:
        wait_s = self.callers.take(access.caller_name(request.user, cast(access.Credential, request.auth)))
        if wait_s:
            # Our own error, because each kind of view puts it into the shape of its own answers.
            raise TooManyRequests("Too many requests; slow down.", retry_after_s=wait_s)
        return True
