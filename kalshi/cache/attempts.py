"""What became of the last fetch of each key: for `status`, and to limit how often callers force one."""

import threading
from collections import OrderedDict

MAX_KEYS = 4096


class Attempts:
    """Remembers the last attempt of the latest MAX_KEYS keys. Thread-safe. now: epoch seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    def started(self, key: str, now: float) -> None:
        """A fetch begins; the error of the one before stays known until this one ends."""
        with self._lock:
            self._last[key] = (now, self._last.pop(key, (now, None))[1])
            if len(self._last) > MAX_KEYS:
                self._last.popitem(last=False)

    def ended(self, key: str, code: str | None) -> None:
        """The fetch ended with this error code, or None for success."""
        with self._lock:
            if key in self._last:
                self._last[key] = (self._last[key][0], code)

    def within(self, key: str, seconds: float, now: float) -> bool:
        """Whether a fetch of this key began less than `seconds` ago."""
        last = self._last.get(key)
        return last is not None and 0 <= now - last[0] < seconds

    def last_error(self, key: str) -> str | None:
        """Code of the last fetch's error; None after a success, and for keys never asked or forgotten."""
        last = self._last.get(key)
        return None if last is None else last[1]
