"""How many requests one caller may make: token buckets in this process, so that no request waits for another server.

With several workers each has its own buckets, so a caller gets up to that many times as much.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from kalshi.limits.bucket import Bucket

MAX_CALLERS = 10_000


class Buckets:
    """One bucket for each caller; the caller unseen for longest is forgotten, with a full bucket."""

    def __init__(self, capacity: float, refill_per_s: float, most: int = MAX_CALLERS) -> None:
        self._capacity = capacity
        self._refill_per_s = refill_per_s
        self._most = most
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, caller: str, now: float | None = None) -> float:
        """Spend one token. Returns 0, or the seconds until there is one; then none was spent."""
        now = time.monotonic() if now is None else now
        with self._lock:
            bucket = self._buckets.pop(caller, None) or Bucket(
                self._capacity, self._refill_per_s, self._capacity, now
            )
            bucket = bucket.at(now)
            wait_s = bucket.wait_s(1)
            self._buckets[caller] = bucket if wait_s else bucket.spent(1)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return wait_s

    def forget(self) -> None:
        with self._lock:
            self._buckets.clear()
