"""An in-process cache bounded in bytes, least recently used first.

Django's own LocMemCache is bounded in items, and pickles: 300 bodies of 32 MiB would be ten gigabytes.
"""

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from kalshi.cache.entry import Entry

DEFAULT_MAX_BYTES = 256 * 2**20
ITEM_OVERHEAD = 200
"""Bytes that an item costs besides key and value: its tuple, its floats and its place in the ordered dict."""
ENTRY_OVERHEAD = 300
"""Bytes that an entry costs besides body and identity: the object, its numbers and its ETag."""


V = TypeVar("V")


class ByteLru(Generic[V]):
    """key -> value with an expiry. Thread-safe. size: bytes that a value costs. `clock` counts seconds and
    never goes back.
    """

    def __init__(
        self,
        max_bytes: int = DEFAULT_MAX_BYTES,
        *,
        size: Callable[[V], int] = sys.getsizeof,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_bytes = max_bytes
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._items: OrderedDict[str, tuple[V, float]] = OrderedDict()
        self._used = 0

    @property
    def used_bytes(self) -> int:
        """What all items cost, overhead included; never more than max_bytes."""
        return self._used

    def peek(self, key: str) -> V | None:
        """As `get`, but never waits for the lock: for the event loop. Counts as a use when the lock is free."""
        item = self._items.get(key)
        if item is None or item[1] <= self._clock():
            return None
        if self._lock.acquire(blocking=False):
            try:
                if key in self._items:
                    self._items.move_to_end(key)
            finally:
                self._lock.release()
        return item[0]

    def get(self, key: str) -> V | None:
        """The value, now the most recently used, or None when absent or expired."""
        with self._lock:
            item = self._items.get(key)
            if item is None:
                return None
            if item[1] <= self._clock():
                self._drop(key)
                return None
            self._items.move_to_end(key)
            return item[0]

    def set(self, key: str, value: V, ttl_s: float | None, *, only_new: bool = False) -> bool:
        """Keep `value` for ttl_s (None: until evicted). False when it is larger than the whole cache.

        only_new: False as well, and nothing changes, when there is a value already.
        """
        expires_at = float("inf") if ttl_s is None else self._clock() + ttl_s
        with self._lock:
            old = self._items.get(key)
            if only_new and old is not None and old[1] > self._clock():
                return False
            if old is not None:
                self._drop(key)
            if self._cost(key, value) > self.max_bytes:
                return False
            self._items[key] = (value, expires_at)
            self._used += self._cost(key, value)
            while self._used > self.max_bytes:
                self._drop(next(iter(self._items)))
            return True

    def touch(self, key: str, ttl_s: float | None) -> bool:
        """Restart the time to live. False when there is no such value."""
        value = self.get(key)
        return value is not None and self.set(key, value, ttl_s)

    def delete(self, key: str) -> bool:
        """Whether there was something to delete."""
        with self._lock:
            found = key in self._items
            if found:
                self._drop(key)
            return found

    def all_keys(self) -> list[str]:
        """All keys, least recently used first; expired ones included."""
        with self._lock:
            return list(self._items)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()
            self._used = 0

    def _drop(self, key: str) -> None:
        value, _ = self._items.pop(key)
        self._used -= self._cost(key, value)

    def _cost(self, key: str, value: V) -> int:
        return sys.getsizeof(key) + self._size(value) + ITEM_OVERHEAD


def size_of(value: bytes | Entry) -> int:
    """Bytes of memory."""
    if isinstance(value, Entry):
        return sys.getsizeof(value.body) + sys.getsizeof(value.identity) + ENTRY_OVERHEAD
    return sys.getsizeof(value)


_memories: dict[str, ByteLru[bytes | Entry]] = {}
_memories_lock = threading.Lock()


class BoundedMemoryCache(BaseCache):
    """Django cache backend over a ByteLru. OPTIONS: MAX_BYTES (256 MiB). Values must be bytes.

    Django makes one backend object per thread; those with the same LOCATION share one memory. Our own store puts
    whole entries into that memory, which spares unpacking them; here they read as packed bytes.
    """

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        max_bytes = int((params.get("OPTIONS") or {}).get("MAX_BYTES", DEFAULT_MAX_BYTES))
        with _memories_lock:
            self._memory = _memories.setdefault(name, ByteLru(max_bytes, size=size_of))
            self._memory.max_bytes = max_bytes

    @property
    def memory(self) -> ByteLru[bytes | Entry]:
        """What all backend objects of this LOCATION share."""
        return self._memory

    @property
    def used_bytes(self) -> int:
        """Bytes in use by all backend objects of this LOCATION."""
        return self._memory.used_bytes

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The bytes, or `default`."""
        value = self._memory.get(self.make_key(key, version=version))
        if isinstance(value, Entry):
            return value.pack()
        return default if value is None else value

    def set(  # type: ignore[override]  # tells whether it was stored, as django-redis does
        self, key: str, value: bytes, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """True when stored, False when the value is larger than the whole cache."""
        return self._memory.set(self.make_key(key, version=version), _bytes(value), self._ttl_s(timeout))

    def add(
        self, key: str, value: bytes, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Store only when there is nothing yet."""
        name = self.make_key(key, version=version)
        return self._memory.set(name, _bytes(value), self._ttl_s(timeout), only_new=True)

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Restart the time to live."""
        return self._memory.touch(self.make_key(key, version=version), self._ttl_s(timeout))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Whether there was something to delete."""
        return self._memory.delete(self.make_key(key, version=version))

    def clear(self) -> None:
        """Forget everything under this LOCATION."""
        self._memory.clear()

    def _ttl_s(self, timeout: float | None) -> float | None:
        return self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"this cache keeps bytes, not {type(value).__name__}")
    return value
