"""Where entries are kept: in the memory of this process, or in Redis with copies in this process.

Both stores give back the same Entry object for as long as the entry stays the same, and `hot` answers without a lock
that anybody holds for long and without the network, so that the event loop may ask.
"""

import logging
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, cast

from django.core.cache.backends.base import BaseCache

from kalshi.byte_lru import ByteLru
from kalshi.cache.entry import HEAD_BYTES, Entry
from kalshi.cache.keys import owner_of
from kalshi.cache.local import BoundedMemoryCache, size_of
from kalshi.errors import ConfigError
from kalshi.keeper import Keeper
from kalshi.redis_link import PREFIX, RedisLink, RedisLost, link_to

if TYPE_CHECKING:
    from redis import Redis

TRUST_S = 1.0
"""A copy is used this long after it was last compared with Redis."""
COMPARE_EVERY_S = 0.4
"""Copies in use are compared this often in the background, so that those who read them never wait for it."""
IN_USE_S = 10.0
MAX_COMPARED = 512
"""Copies compared in one turn; the others are compared by those who read them."""
RESTORE_S = 60.0
COPIES_BYTES = 64 * 2**20
EPOCH_KEY = f"{PREFIX}:epoch"
EPOCH_TTL_S = 30 * 86400

_log = logging.getLogger(__name__)


class LocalStore:
    """Entries in the memory of this process. Thread-safe."""

    down = False
    link: RedisLink | None = None

    def __init__(self, cache: BoundedMemoryCache) -> None:
        self._memory = cache.memory
        # Django's own way takes as long as everything else that `hot` does.
        self._prefix = cache.make_key("")

    def hot(self, key: str) -> Entry | None:
        """The entry, however old; never waits."""
        value = self._memory.peek(self._prefix + key)
        return value if type(value) is Entry and value.identity == key else None

    def get(self, key: str) -> Entry | None:
        """The entry stored under this very key; None for nothing, damage, or another key's entry."""
        value = self._memory.get(self._prefix + key)
        entry = value if isinstance(value, Entry) else Entry.unpack(value)
        return entry if entry is not None and entry.identity == key else None

    def set(self, key: str, entry: Entry) -> bool:
        """Keep the entry for its keep time. False when it is larger than the whole memory."""
        return self._memory.set(self._prefix + key, entry, entry.keep_s)

    def delete(self, key: str) -> None:
        """Forget the entry."""
        self._memory.delete(self._prefix + key)

    def look(self, key: str, *, anew: bool = False) -> tuple[Entry | None, bytes]:
        """As the shared store's; nobody else writes here, so there is no head to compare."""
        del anew
        return self.get(key), b""

    def close(self) -> None:
        """There is nothing to end."""


@dataclass(slots=True, eq=False)
class Copy:
    """An entry as Redis had it at `checked_at` (monotonic seconds). head: the first bytes of its packed form.

    unsaved: it was stored while Redis was lost, and is put there when Redis is back.
    """

    entry: Entry
    head: bytes
    checked_at: float
    unsaved: bool = False


def _size(copy: Copy) -> int:
    return size_of(copy.entry) + sys.getsizeof(copy.head)


class SharedStore:
    """Entries in Redis, as packed bytes, with copies here. Thread-safe; raises nothing of Redis's.

    A copy is used for TRUST_S after it was last compared with Redis; a comparison fetches HEAD_BYTES. Copies are also
    what is left when Redis is lost. After its return those of an emptied Redis are put back once, within RESTORE_S: it
    must not send every key upstream at once.
    """

    def __init__(self, link: RedisLink) -> None:
        self.link: RedisLink | None = link
        self._link = link
        self._monotonic = link.monotonic
        self._copies: ByteLru[Copy] = ByteLru(COPIES_BYTES, size=_size, clock=link.monotonic, owner=owner_of)
        self._in_use: dict[str, float] = {}
        self._keeper = Keeper("kalshi-copies", self.compare_those_in_use, every_s=COMPARE_EVERY_S)
        self._lock = threading.Lock()
        self._epoch: bytes | None = None
        self._restore_until = 0.0
        self._restorable: set[str] = set()

    @property
    def down(self) -> bool:
        """Whether Redis is lost and copies stand in."""
        return self._link.down

    def hot(self, key: str) -> Entry | None:
        """The entry, however old, when it may be used without asking Redis; never waits."""
        copy = self._copies.peek(key)
        if copy is None:
            return None
        now = self._monotonic()
        if now - copy.checked_at < TRUST_S or self._link.resting(now):
            self._in_use[key] = now
            return copy.entry
        return None

    def get(self, key: str) -> Entry | None:
        """The entry stored under this very key; None for nothing, damage, or another key's entry."""
        return self.look(key)[0]

    def look(self, key: str, *, anew: bool = False) -> tuple[Entry | None, bytes]:
        """(the entry, the first bytes of its packed form; b"" for none). anew: trust no copy."""
        copy = self._copies.get(key)
        now = self._monotonic()
        if copy is not None:
            self._in_use[key] = now
            self._keeper.wake()
        if anew or copy is None or now - copy.checked_at >= TRUST_S:
            with suppress(RedisLost):
                copy = self._compared(key, copy)
        return (None, b"") if copy is None else (copy.entry, copy.head)

    def set(self, key: str, entry: Entry) -> bool:
        """Keep the entry for its keep time. Whether it was stored, here or in Redis."""
        packed = entry.pack()
        copy = Copy(entry, packed[:HEAD_BYTES], self._monotonic())
        kept = self._copies.set(key, copy, entry.keep_s)
        self._restorable.discard(key)
        try:
            if self._epoch is None:
                self._emptied()
            self._link.call(partial(_put, self._link.name(key), packed, entry.keep_s))
        except RedisLost:
            copy.unsaved = True
            return kept
        return True

    def delete(self, key: str) -> None:
        """Forget the entry. While Redis is lost it keeps its entry, until that expires."""
        self._restorable.discard(key)
        self._copies.delete(key)
        with suppress(RedisLost):
            self._link.call(lambda redis: redis.delete(self._link.name(key)))

    def close(self) -> None:
        """End the comparing in the background; everything else works on."""
        self._keeper.close()

    def compare_those_in_use(self) -> bool:
        """Compare the copies in use with Redis, in one round trip. False when there were none."""
        now = self._monotonic()
        due = []
        for key, used_at in self._in_use.copy().items():
            copy = self._copies.peek(key)
            if copy is None or now - used_at > IN_USE_S:
                self._in_use.pop(key, None)
            elif now - copy.checked_at > COMPARE_EVERY_S / 2:
                due.append((key, copy))
        due = due[:MAX_COMPARED]
        with suppress(RedisLost):
            if due:
                self._compare(due, now)
        return bool(self._in_use)

    def _compare(self, due: list[tuple[str, Copy]], now: float) -> None:
        names = [self._link.name(key) for key, _ in due]

        def heads(redis: "Redis") -> list[bytes]:
            pipeline = redis.pipeline(transaction=False)
            for name in names:
                pipeline.getrange(name, 0, HEAD_BYTES - 1)
            return pipeline.execute()

        for (key, copy), head in zip(due, self._link.call(heads, *names), strict=True):
            if head == copy.head:
                copy.checked_at = max(copy.checked_at, now)
            else:
                self._compared(key, copy)

    def _compared(self, key: str, copy: Copy | None) -> Copy | None:
        """What Redis has now, as a copy."""
        if self._epoch is None:
            self._emptied()
        now, name = self._monotonic(), self._link.name(key)
        if copy is not None and not copy.unsaved and self._link.call(partial(_head, name), name) == copy.head:
            copy.checked_at = max(copy.checked_at, now)
            return copy
        packed = self._link.call(lambda redis: redis.get(name), name)
        entry = Entry.unpack(packed)
        newest = self._copies.peek(key)
        if newest is not None and newest.checked_at > now:
            return newest  # another thread stored one meanwhile
        if entry is None or entry.identity != key:
            if packed is not None:  # damage, which nobody can use
                self._link.call(lambda redis: redis.delete(name))
            return self._missing(key, copy, now)
        if copy is not None and copy.unsaved and copy.entry.fetched_at > entry.fetched_at:
            return self._put_back(key, copy, now)
        self._restorable.discard(key)
        found = Copy(entry, cast(bytes, packed)[:HEAD_BYTES], now)
        self._copies.set(key, found, entry.keep_s)
        return found

    def _missing(self, key: str, copy: Copy | None, now: float) -> Copy | None:
        """Redis has no such entry: somebody removed it, or Redis was emptied."""
        if copy is None:
            return None
        if copy.unsaved:
            return self._put_back(key, copy, now)
        if self._emptied():
            self._restorable = set(self._copies.all_keys())
            self._restore_until = now + RESTORE_S
        if key in self._restorable and now <= self._restore_until:
            return self._put_back(key, copy, now)
        self._restorable.discard(key)
        self._copies.delete(key)
        return None

    def _put_back(self, key: str, copy: Copy, now: float) -> Copy:
        self._restorable.discard(key)
        put = partial(_put, self._link.name(key), copy.entry.pack(), copy.entry.keep_s)
        self._link.call(partial(put, only_new=not copy.unsaved))  # what others fetched meanwhile is newer
        copy.unsaved = False
        copy.checked_at = max(copy.checked_at, now)
        return copy

    def _emptied(self) -> bool:
        """Whether Redis lost its contents since we last looked."""
        name = self._link.name(EPOCH_KEY)

        def epoch(redis: "Redis") -> bytes:
            pipeline = redis.pipeline(transaction=False)
            pipeline.set(name, token_hex(8), nx=True, ex=EPOCH_TTL_S)
            pipeline.get(name)
            return cast(bytes, pipeline.execute()[1])

        found = self._link.call(epoch, name)
        with self._lock:
            known, self._epoch = self._epoch, found
        return known is not None and known != found


Store = LocalStore | SharedStore


def open_store(cache: BaseCache, link: RedisLink | None = None) -> Store:
    """The store for this Django cache. link: the one to use for Redis; else one of its own.

    ConfigError for any other kind of cache: only these two keep what they must.
    """
    if isinstance(cache, BoundedMemoryCache):
        return LocalStore(cache)
    link = link or link_to(cache)
    if link is None:
        raise ConfigError(
            f"CACHES: the cache for Kalshi's answers is a {type(cache).__name__}; "
            "use kalshi.cache.caches.cache_settings(redis_url)."
        )
    return SharedStore(link)


def _head(name: str, redis: "Redis") -> bytes:
    return cast(bytes, redis.getrange(name, 0, HEAD_BYTES - 1))


def _put(name: str, packed: bytes, keep_s: float, redis: "Redis", *, only_new: bool = False) -> None:
    ttl_ms = int(keep_s * 1000)
    if ttl_ms > 0:
        redis.set(name, packed, px=ttl_ms, nx=only_new)
    else:
        redis.delete(name)
