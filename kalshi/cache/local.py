"""The cache in this process: bounded in bytes, in two regions, public and signed; the latter in equal shares among the
accounts that have something there. Each is least recently used first.

Django's own LocMemCache is bounded in items, and pickles: 300 bodies of 32 MiB would be ten gigabytes.
"""

import sys
import threading
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from kalshi.byte_lru import ByteLru
from kalshi.cache.entry import Entry
from kalshi.cache.keys import owner_of

DEFAULT_MAX_BYTES = 256 * 2**20
ENTRY_OVERHEAD = 300
"""Bytes that an entry costs besides body and identity: the object, its numbers and its ETag."""


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
            self._memory = _memories.setdefault(name, ByteLru(max_bytes, size=size_of, owner=owner_of))
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
