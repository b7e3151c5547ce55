"""A cache bounded in bytes that several owners share, each least recently used first."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from kalshi.byte_table import ITEM_OVERHEAD, ByteTable

V = TypeVar("V")


def _nobody(key: str) -> str:
    return ""


class ByteLru(Generic[V]):
    """key -> value with an expiry. Thread-safe. size: bytes that a value costs. `clock` counts seconds and
    never goes back.

    owner: whose a key is. Half is for the owner "", half for all the others, in equal shares among those who have
    something here. Whoever needs less than a share leaves the rest to the others; nobody can take it from them.
    """

    def __init__(
        self,
        max_bytes: int,
        *,
        size: Callable[[V], int] = sys.getsizeof,
        clock: Callable[[], float] = time.monotonic,
        owner: Callable[[str], str] = _nobody,
    ) -> None:
        self.max_bytes = max_bytes
        self._size = size
        self._clock = clock
        self._owner = owner
        self._lock = threading.Lock()
        self._tables: dict[str, ByteTable[str, tuple[V, float]]] = {}
        self._where: dict[str, ByteTable[str, tuple[V, float]]] = {}

    @property
    def used_bytes(self) -> int:
        """What all items cost, overhead included; never more than max_bytes."""
        return sum(table.used_bytes for table in list(self._tables.values()))

    def peek(self, key: str) -> V | None:
        """As `get`, but never waits for the lock: for the event loop. Counts as a use when the lock is free."""
        table = self._where.get(key)
        item = None if table is None else table.get(key)
        if table is None or item is None or item[1] <= self._clock():
            return None
        if self._lock.acquire(blocking=False):
            try:
                table.touch(key)
            except KeyError:  # it went meanwhile
                pass
            finally:
                self._lock.release()
        return item[0]

    def get(self, key: str) -> V | None:
        """The value, now the most recently used, or None when absent or expired."""
        with self._lock:
            item = self._item(key)
            if item is None:
                return None
            if item[1] <= self._clock():
                self._drop(key)
                return None
            self._where[key].touch(key)
            return item[0]

    def set(self, key: str, value: V, ttl_s: float | None, *, only_new: bool = False) -> bool:
        """Keep `value` for ttl_s (None: until evicted). False when there is no room for it.

        only_new: False as well, and nothing changes, when there is a value already.
        """
        expires_at = float("inf") if ttl_s is None else self._clock() + ttl_s
        size = sys.getsizeof(key) + self._size(value)
        with self._lock:
            old = self._item(key)
            if only_new and old is not None and old[1] > self._clock():
                return False
            self._drop(key)
            if size + ITEM_OVERHEAD > self.max_bytes:
                return False
            owner = self._owner(key)
            if owner not in self._tables:
                self._tables[owner] = ByteTable(sys.maxsize)
            self._tables[owner].put(key, (value, expires_at), size)
            self._where[key] = self._tables[owner]
            while self.used_bytes > self.max_bytes:
                self._drop(next(iter(self._tables[self._farthest_over()])))
            return key in self._where

    def touch(self, key: str, ttl_s: float | None) -> bool:
        """Restart the time to live. False when there is no such value."""
        value = self.get(key)
        return value is not None and self.set(key, value, ttl_s)

    def delete(self, key: str) -> bool:
        """Whether there was something to delete."""
        with self._lock:
            found = key in self._where
            self._drop(key)
            return found

    def all_keys(self) -> list[str]:
        """All keys, each owner's least recently used first; expired ones included."""
        with self._lock:
            return [key for table in self._tables.values() for key in table]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._tables.clear()
            self._where.clear()

    def _farthest_over(self) -> str:
        """The owner who has most, measured by the share."""
        others = len(self._tables.keys() - {""})
        return max(self._tables, key=lambda owner: self._tables[owner].used_bytes * (others if owner else 1))

    def _item(self, key: str) -> tuple[V, float] | None:
        table = self._where.get(key)
        return None if table is None else table.get(key)

    def _drop(self, key: str) -> None:
        table = self._where.pop(key, None)
        if table is not None:
            table.pop(key)
            if not len(table):
                self._tables = {owner: each for owner, each in self._tables.items() if each is not table}
