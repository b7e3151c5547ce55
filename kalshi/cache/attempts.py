"""What became of the last fetch of each key: for `status`, and to limit how often callers force one."""

import threading

from kalshi.byte_table import ByteTable, size_of

ATTEMPTS_BYTES = 2 * 2**20


class Attempts:
    """Remembers the last attempt of the latest keys, in ATTEMPTS_BYTES. Thread-safe. now: epoch seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: ByteTable[str, tuple[float, str | None]] = ByteTable(ATTEMPTS_BYTES)

    def started(self, key: str, now: float) -> None:
        """A fetch begins; the error of the one before stays known until this one ends."""
        with self._lock:
            self._put(key, now, self.last_error(key))

    def ended(self, key: str, code: str | None) -> None:
        """The fetch ended with this error code, or None for success."""
        with self._lock:
            last = self._last.get(key)
            if last is not None:
                self._put(key, last[0], code)

    def _put(self, key: str, began_at: float, code: str | None) -> None:
        last = (began_at, code)
        self._last.put(key, last, size_of(key, last))

    def within(self, key: str, seconds: float, now: float) -> bool:
        """Whether a fetch of this key began less than `seconds` ago."""
        last = self._last.get(key)
        return last is not None and 0 <= now - last[0] < seconds

    def last_error(self, key: str) -> str | None:
        """Code of the last fetch's error; None after a success, and for keys never asked or forgotten."""
        last = self._last.get(key)
        return None if last is None else last[1]
