"""Tables in memory that are bounded in bytes, never in entries: whoever sends long things must not fill the memory."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

ITEM_OVERHEAD = 250
"""Bytes that an item costs besides key and value: its places in two dicts and its numbers."""

K = TypeVar("K")
V = TypeVar("V")


class ByteTable(Generic[K, V]):
    """What was put longest ago makes room. Not thread-safe, but for `get`.

    get, touch: as quick as those of a dict. `touch` makes a key the youngest; KeyError when it is not there.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self._items: OrderedDict[K, V] = OrderedDict()
        self._sizes: dict[K, int] = {}
        self.get: Callable[[K], V | None] = self._items.get
        self.touch: Callable[[K], None] = self._items.move_to_end

    def put(self, key: K, value: V, size: int) -> list[K]:
        """Keep it, as the youngest; what had to go for it, itself where it is larger than the table. size: bytes of key
        and value together.
        """
        self.pop(key)
        self._items[key] = value
        self._sizes[key] = size + ITEM_OVERHEAD
        self.used_bytes += size + ITEM_OVERHEAD
        gone = []
        while self.used_bytes > self.max_bytes:
            gone.append(self.drop_oldest())
        return gone

    def __getitem__(self, key: K) -> V:
        return self._items[key]

    def pop(self, key: K) -> V | None:
        """Take it out; None when it is not there."""
        if key not in self._items:
            return None
        self.used_bytes -= self._sizes.pop(key)
        return self._items.pop(key)

    def drop_oldest(self) -> K:
        """Its key. KeyError when there is nothing."""
        key, _ = self._items.popitem(last=False)
        self.used_bytes -= self._sizes.pop(key)
        return key

    def clear(self) -> None:
        self._items.clear()
        self._sizes.clear()
        self.used_bytes = 0

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[K]:
        """The keys, the one put longest ago first."""
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)


def size_of(*values: object) -> int:
    """Bytes of texts, bytes, numbers, and tuples and lists of them."""
    total = 0
    for value in values:
        total += sys.getsizeof(value)
        if isinstance(value, tuple | list):
            total += size_of(*value)
    return total
