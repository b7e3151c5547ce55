"""Entries in any Django cache; the one place that knows what a Redis outage means.

An outage is logged once and never leaves this module: work goes on with copies in this process, Redis is
tried again by one caller a second (so a dead Redis costs nobody a time-out per request), and its return is
logged once. The local copies are kept up to date in good times too, or an outage would begin with an empty
cache. After a return an entry that Redis lost is put back once, within RESTORE_S: an emptied Redis must not
send every key upstream at once.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar, cast

from django.core.cache.backends.base import BaseCache
from django_redis.exceptions import ConnectionInterrupted
from redis.exceptions import RedisError

from kalshi.cache.entry import Entry
from kalshi.cache.local import BoundedMemoryCache, ByteLru

RETRY_S = 1.0
RESTORE_S = 60.0
FALLBACK_BYTES = 64 * 2**20

_OUTAGES = (RedisError, ConnectionInterrupted, OSError)
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Store:
    """get, set and delete of entries; values in the cache are packed bytes. Thread-safe; raises nothing of
    Redis's.

    cache: a BoundedMemoryCache, or django-redis with the RawBytesSerializer (see `caches.cache_settings`).
    monotonic: seconds, only for the retry interval.
    """

    def __init__(self, cache: BaseCache, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._monotonic = monotonic
        # A local cache cannot have an outage, and keeping every body twice would halve it.
        self._copies = None if isinstance(cache, BoundedMemoryCache) else ByteLru(FALLBACK_BYTES)
        self._lock = threading.Lock()
        self._down = False
        self._retry_at = 0.0
        self._restore_until = 0.0
        self._restorable: set[str] = set()

    @property
    def down(self) -> bool:
        """Whether the shared cache is lost and local copies stand in."""
        return self._down

    def get(self, key: str) -> Entry | None:
        """The entry stored under this very key; None for nothing, damage, or another key's entry."""
        packed, reached = self._reach(lambda: self._cache.get(key))
        if self._copies is None:
            return _own(key, packed)
        if not reached:
            return _own(key, self._copies.get(key))
        entry = _own(key, packed)
        if entry is None:
            return self._restored(key, self._copies)
        self._restorable.discard(key)
        self._copies.set(key, cast(bytes, packed), entry.keep_s)
        return entry

    def set(self, key: str, entry: Entry) -> bool:
        """Keep the entry for its keep time. Whether it was stored, here or in the shared cache."""
        packed = entry.pack()
        kept = self._copies is not None and self._copies.set(key, packed, entry.keep_s)
        self._restorable.discard(key)
        result, reached = self._reach(lambda: self._cache.set(key, packed, timeout=entry.keep_s))
        return result is not False if reached else kept

    def delete(self, key: str) -> None:
        """Forget the entry. During an outage the shared cache keeps it until its own expiry."""
        self._restorable.discard(key)
        if self._copies is not None:
            self._copies.delete(key)
        self._reach(lambda: self._cache.delete(key))

    def _restored(self, key: str, copies: ByteLru) -> Entry | None:
        if key not in self._restorable:
            return None
        self._restorable.discard(key)
        packed = copies.get(key)
        entry = _own(key, packed)
        if entry is None or self._monotonic() > self._restore_until:
            return None
        self._reach(lambda: self._cache.add(key, packed, timeout=entry.keep_s))
        return entry

    def _reach(self, operation: Callable[[], _T]) -> tuple[_T | None, bool]:
        """(result, True), or (None, False) while the shared cache is out of reach."""
        if self._down and not self._my_turn():
            return None, False
        try:
            result = operation()
        except _OUTAGES as error:
            self._lost(error)
            return None, False
        if self._down:
            self._returned()
        return result, True

    def _my_turn(self) -> bool:
        with self._lock:
            now = self._monotonic()
            if now < self._retry_at:
                return False
            self._retry_at = now + RETRY_S
            return True

    def _lost(self, error: Exception) -> None:
        with self._lock:
            first, self._down = not self._down, True
            self._retry_at = self._monotonic() + RETRY_S
        if first:  # the class only: a message may hold the address with its password
            _log.warning(
                "The shared cache is lost (%s); work goes on with copies in this process.",
                type(error).__name__,
            )

    def _returned(self) -> None:
        with self._lock:
            first, self._down = self._down, False
            if first and self._copies is not None:
                self._restorable = set(self._copies.all_keys())
                self._restore_until = self._monotonic() + RESTORE_S
        if first:
            _log.warning("The shared cache is back.")


def _own(key: str, packed: object) -> Entry | None:
    entry = Entry.unpack(packed)
    return entry if entry is not None and entry.identity == key else None
