"""Single flight: however many callers want a key, one fetch is in the air, and all share what it brings."""

import threading
from typing import Literal

from kalshi.cache.entry import Entry
from kalshi.errors import to_keep

How = Literal["loaded", "found", "elsewhere"]


class Flight:
    """One fetch of one key. `landed` is set once, after everything else is in place; `known` then or earlier,
    when it turns out that another process fetches, so that waiting means waiting for that.

    entry: what it brought; how: loaded from upstream, found in the cache because somebody had just been faster, or
    fetched elsewhere while we waited; stored: it is in the cache. error: why it brought nothing. callers: those in
    whose turn it waits for a thread.
    """

    def __init__(self) -> None:
        self._begun = threading.Lock()
        self.callers: set[str] = set()
        self.landed = threading.Event()
        self.known = threading.Event()
        self.entry: Entry | None = None
        self.how: How = "found"
        self.stored = False
        self.error: Exception | None = None

    def begin(self) -> bool:
        """Whether this thread is the first, and so the one that fetches."""
        return self._begun.acquire(blocking=False)

    @property
    def begun(self) -> bool:
        """Whether a thread has taken it up."""
        return self._begun.locked()

    def bring(self, entry: Entry, how: How, *, stored: bool) -> None:
        """Land with an answer, unless the callers were sent away already."""
        if self.landed.is_set():
            return
        self.entry, self.how, self.stored = entry, how, stored
        self.landed.set()
        self.known.set()

    def fail(self, error: BaseException) -> None:
        """Land with an error, shared by all callers, unless they were sent away already.

        What is no Exception (SystemExit) would end their threads: it is replaced.
        """
        if self.landed.is_set():
            return
        self.error = to_keep(error)
        self.landed.set()
        self.known.set()

    def raised(self) -> Exception:
        """The error, for one more caller to raise."""
        if self.error is None:
            raise ValueError("this flight brought an answer")
        return to_keep(self.error)


class Flights:
    """The flights in the air, by key. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, Flight] = {}

    def join(self, key: str) -> tuple[Flight, bool]:
        """(flight, whether the caller leads: it must see to it that the flight lands and is removed)."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            flight = self._flights[key] = Flight()
            return flight, True

    def remove(self, key: str, flight: Flight) -> None:
        """Take it out of the air, after storing and before landing: who asks next leads a new one."""
        with self._lock:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    def all(self) -> list[Flight]:
        """Those in the air now."""
        with self._lock:
            return list(self._flights.values())
