"""How many callers may wait for Kalshi at once: each holds a thread of the server while it does."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

FEW = 8
Taken = Literal["taken", "share", "full"]
"""share: there is room, but not for a caller who has so much already."""


class Seats:
    """At most `seats`. The last eighth is for callers who have fewer than FEW, so that none takes all.

    The caller "" is this process itself and has no share. Not thread-safe.
    """

    def __init__(self, seats: int) -> None:
        self._seats = seats
        self._for_the_few = seats // 8
        self._by_caller: Counter[str] = Counter()
        self.taken = 0

    def take(self, caller: str) -> Taken:
        """One seat, if there is one for this caller."""
        free = self._seats - self.taken
        if free <= 0:
            return "full"
        if caller and free <= self._for_the_few and self._by_caller[caller] >= FEW:
            return "share"
        self.taken += 1
        self._by_caller[caller] += 1
        return "taken"

    def give(self, caller: str) -> None:
        """Back what `take` took."""
        self.taken -= 1
        self._by_caller[caller] -= 1
        if not self._by_caller[caller]:
            del self._by_caller[caller]


class WaitingRoom:
    """At most `seats` callers. One pool never takes the last sixteenth, so a hang leaves room for all others."""

    def __init__(self, seats: int) -> None:
        self._pool_seats = seats - (seats + 14) // 16
        self._lock = threading.Lock()
        self._seats = Seats(seats)
        self._by_pool: Counter[str] = Counter()

    @contextmanager
    def seat(self, pool: str, caller: str = "") -> Iterator[Taken]:
        """Whether there was a seat; it is given back at the end of the block."""
        taken = self._take(pool, caller)
        try:
            yield taken
        finally:
            if taken == "taken":
                with self._lock:
                    self._seats.give(caller)
                    self._by_pool[pool] -= 1
                    if not self._by_pool[pool]:
                        del self._by_pool[pool]

    @property
    def taken(self) -> int:
        """How many callers wait now."""
        return self._seats.taken

    def _take(self, pool: str, caller: str) -> Taken:
        with self._lock:
            if self._by_pool.get(pool, 0) >= self._pool_seats:
                return "full"
            taken = self._seats.take(caller)
            if taken == "taken":
                self._by_pool[pool] += 1
            return taken
