"""What lies in the store, without the bodies. For people who look; nothing on the way of a request needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.core.cache.backends.base import BaseCache

from kalshi.cache.entry import HEAD_BYTES, Entry, Head
from kalshi.cache.keys import PARTS
from kalshi.cache.local import BoundedMemoryCache
from kalshi.redis_link import PREFIX, RedisLink

if TYPE_CHECKING:
    from redis import Redis

MAX_LOOKED_AT = 20_000
"""Keys of Redis that one listing looks at; a larger Redis is shown in part."""
SCAN_COUNT = 1_000


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry. size: bytes in the store."""

    key: str
    head: Head
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """`complete` false: there are more keys than were looked at."""

    entries: Sequence[Listed]
    complete: bool


def is_entry(key: str) -> bool:
    """Whether the key is that of an entry, and not of what stands beside them: leases, budgets, breakers."""
    rest = key.removeprefix(f"{PREFIX}:")
    return key != rest and (rest.count(":") == PARTS - 1 or rest.startswith("*"))


def list_entries(cache: BaseCache, link: RedisLink | None) -> Listing:
    """Of the shared Redis, or of this process's memory. Raises RedisLost."""
    if isinstance(cache, BoundedMemoryCache):
        return _in_memory(cache)
    if link is None:
        return Listing((), complete=True)
    return link.call(lambda redis: _in_redis(redis, link))


def _in_memory(cache: BoundedMemoryCache) -> Listing:
    found = []
    # All are looked at, in their order: a look counts as a use, and so changes nothing.
    for name in cache.memory.all_keys():
        entry = cache.memory.peek(name)
        if isinstance(entry, Entry) and is_entry(entry.identity):
            head = Head(entry.status, entry.fetched_at, entry.fresh_s, entry.keep_s)
            found.append(Listed(entry.identity, head, len(entry.body)))
    return Listing(found, complete=True)


def _in_redis(redis: Redis, link: RedisLink) -> Listing:
    before = link.name("")
    names: set[bytes] = set()
    cursor, looked_at = 0, 0
    while True:
        cursor, some = redis.scan(cursor, match=f"{link.name(PREFIX)}:*", count=SCAN_COUNT)
        names.update(cast(list[bytes], some))
        looked_at += SCAN_COUNT
        if cursor == 0 or looked_at >= MAX_LOOKED_AT:
            break
    # Of ours, all are ASCII.
    wanted = [
        name for name in names if name.isascii() and is_entry(name.decode("ascii").removeprefix(before))
    ]
    pipeline = redis.pipeline(transaction=False)
    for name in wanted:
        pipeline.getrange(name, 0, HEAD_BYTES - 1)
        pipeline.strlen(name)
    told = pipeline.execute(raise_on_error=False) if wanted else []  # a key of another type is no entry
    found = []
    for place, name in enumerate(wanted):
        head = Head.unpack(told[2 * place])
        if head is not None:
            found.append(Listed(name.decode("ascii").removeprefix(before), head, told[2 * place + 1]))
    return Listing(found, complete=cursor == 0)
