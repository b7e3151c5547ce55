"""The exchange's time, as far as our own clock and its answers tell.

Kalshi refuses signatures whose timestamp is off by more than some seconds. Its signed portfolio answers carry
its time in `Date`; answers with an `Age` come from a CDN and are old, so they teach nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

IGNORED_BELOW_S = 2.0
BELIEVED_BELOW_S = 86_400.0
SLOWEST_LESSON_S = 10.0


def server_offset_s(headers: Mapping[str, str], received_s: float, took_s: float) -> float | None:
    """Exchange time minus ours in seconds, or None when the answer cannot tell.

    `headers`: lower-case names. `received_s`: our epoch time at the answer, `took_s`: seconds since it was
    asked. `Date` has whole seconds, so the result is good to half a second plus half of `took_s`.
    """
    if "age" in headers or not 0 <= took_s <= SLOWEST_LESSON_S:
        return None
    try:
        date_s = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    offset_s = date_s + 0.5 - (received_s - took_s / 2)
    return offset_s if abs(offset_s) < BELIEVED_BELOW_S else None


class ExchangeClock:
    """Our time, corrected when it is more than two seconds off. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._offset_s = 0.0

    @property
    def offset_s(self) -> float:
        """Seconds added to our own time; 0 while it is good enough."""
        with self._lock:
            return self._offset_s

    def ts_ms(self) -> int:
        """Exchange time now, in Unix milliseconds."""
        return round((self._now() + self.offset_s) * 1000)

    def learn(self, headers: Mapping[str, str], took_s: float) -> None:
        """Correct the offset by an answer that has just arrived, `took_s` seconds after its question."""
        offset_s = server_offset_s(headers, self._now(), took_s)
        if offset_s is None:
            return
        with self._lock:
            self._offset_s = offset_s if abs(offset_s) > IGNORED_BELOW_S else 0.0
