"""The exchange's time, as far as our own clock and its answers tell.

Kalshi refuses signatures whose timestamp is off by more than some seconds. `Date` tells its time, and may be false, so
it is a proposal: tried when our time was refused, and believed when a signature with it is accepted. While our time is
accepted, no `Date` changes it. Answers with an `Age` come from a CDN and are old, so they tell nothing.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
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


def untried_offset_s(refused: Sequence[float], told_s: float | None) -> float | None:
    """The offset to sign with after these were refused, or None when there is no other worth a try.

    `told_s`: what the last refusal's `Date` tells. The first refusal may be cured by that; then our own clock is tried
    as it is.
    """
    told = [told_s] if told_s is not None and len(refused) == 1 else []
    for offset_s in (*told, 0.0):
        if all(abs(offset_s - other) > IGNORED_BELOW_S for other in refused):
            return offset_s
    return None


class ExchangeClock:
    """Our time plus the offset that was last accepted. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._offset_s = 0.0

    @property
    def offset_s(self) -> float:
        """Seconds added to our own time; 0 while it is good enough."""
        with self._lock:
            return self._offset_s

    def ts_ms(self, offset_s: float) -> int:
        """Exchange time now, in Unix milliseconds, if it is so many seconds ahead of ours."""
        return round((self._now() + offset_s) * 1000)

    def told_s(self, headers: Mapping[str, str], took_s: float) -> float | None:
        """See server_offset_s, for an answer that has just arrived, `took_s` seconds after its question."""
        return server_offset_s(headers, self._now(), took_s)

    def believe(self, offset_s: float) -> None:
        """Exchange time is so many seconds ahead of ours: a signature with it was accepted."""
        with self._lock:
            self._offset_s = offset_s


class Timing:
    """The offset that one question is signed with; another one after a refusal, at most twice."""

    def __init__(self, clock: ExchangeClock) -> None:
        self._clock = clock
        self._refused: list[float] = []
        self.offset_s = clock.offset_s

    @property
    def corrections(self) -> int:
        """How often another offset was taken."""
        return len(self._refused)

    def correct(self, told_s: float | None) -> bool:
        """After a refusal: take another offset. False when there is none."""
        offset_s = untried_offset_s([*self._refused, self.offset_s], told_s)
        if offset_s is None:
            return False
        self._refused.append(self.offset_s)
        self.offset_s = offset_s
        return True

    def accepted(self) -> None:
        """After a good answer: later questions begin with what was found."""
        if self._refused:
            self._clock.believe(self.offset_s)
