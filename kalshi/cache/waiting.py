"""How many callers may wait for Kalshi at once: each holds a thread of the server while it does."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class WaitingRoom:
    """At most `seats` callers. One pool never takes the last eighth, so a hang leaves room for all others."""

    def __init__(self, seats: int) -> None:
        self._seats = seats
        self._pool_seats = seats - seats // 8
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def seat(self, pool: str) -> Iterator[bool]:
        """Whether there was a seat; it is given back at the end of the block."""
        taken = self._take(pool)
        try:
            yield taken
        finally:
            if taken:
                with self._lock:
                    self._taken[pool] -= 1

    @property
    def taken(self) -> int:
        """How many callers wait now."""
        return self._taken.total()

    def _take(self, pool: str) -> bool:
        with self._lock:
            if self._taken.total() >= self._seats or self._taken[pool] >= self._pool_seats:
                return False
            self._taken[pool] += 1
            return True
