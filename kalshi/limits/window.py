"""A cap on requests per minute, exact: no 60 seconds, wherever they begin, hold more than the limit."""

from bisect import bisect_right, insort

ROUNDING_S = 1e-6
"""A shorter wait is only a rounded float."""


class SlidingWindow:
    """The due times of the requests of the last `window_s` seconds, reservations in the future included.

    Not thread-safe; memory is bounded by the limit. Times are seconds of a clock that never goes back.
    """

    def __init__(self, limit: int, window_s: float = 60.0) -> None:
        self._limit = limit
        self._window_s = window_s
        self._due: list[float] = []

    def wait_s(self, now: float) -> float:
        """Seconds until one more request fits."""
        if len(self._due) < self._limit:
            return 0.0
        wait_s = self._due[-self._limit] + self._window_s - now
        return wait_s if wait_s > ROUNDING_S else 0.0

    def add(self, due: float, now: float) -> None:
        """Note a request that will leave at `due`, at or after `now` + `wait_s(now)`."""
        del self._due[: bisect_right(self._due, now - self._window_s)]
        insort(self._due, due)
