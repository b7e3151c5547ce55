"""Two walks over one list, live and archive, made into one: no item twice, none lost, the live list's order. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?Z")


@dataclass(frozen=True, slots=True)
class Array:
    """One array in the bodies of a list.

    `identity`: the fields that together name an item. `order`: the field by which the live list is sorted; a time is
    taken as newest first, any other text as ascending.
    """

    name: str
    identity: tuple[str, ...]
    order: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The items of both walks and how many were left out because they were there already."""

    items: list[Item]
    dropped: int


def merge(array: Array, live: Iterable[Item], archive: Iterable[Item]) -> Merged:
    """Of an item on both sides the live copy stays. An item without its identity is never taken for another one.

    Where either side is not in the assumed order, or an item lacks the field, nothing is sorted: the live items stand
    before the archive's, each as Kalshi sent them.
    """
    seen: set[tuple[str, ...]] = set()
    kept_live, dropped_live = _unseen(array, live, seen)
    kept_archive, dropped_archive = _unseen(array, archive, seen)
    dropped = dropped_live + dropped_archive
    for newest_first, key in ((True, moment), (False, _text)):
        live_places, archive_places = (
            [key(item.get(array.order)) for item in side] for side in (kept_live, kept_archive)
        )
        if _sorted(live_places, newest_first) and _sorted(archive_places, newest_first):
            merged = heapq.merge(
                zip(live_places, kept_live, strict=True),
                zip(archive_places, kept_archive, strict=True),
                key=lambda placed: placed[0] or "",
                reverse=newest_first,
            )
            return Merged([item for _, item in merged], dropped)
    return Merged(kept_live + kept_archive, dropped)


def identity(array: Array, item: Item) -> tuple[str, ...] | None:
    """What names the item, or None when a part is missing.

    A number names by its text, so 7 and "7" are one item: no list holds both, but its two sides may differ in the type.
    """
    parts = [item.get(name) for name in array.identity]
    texts = tuple(str(part) for part in parts if isinstance(part, str | int) and not isinstance(part, bool))
    return texts if len(texts) == len(parts) and all(texts) else None


def moment(value: object) -> str | None:
    """An RFC 3339 time in UTC as text that sorts by time, to the nanosecond; None for anything else."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}.{found[2] or '':0<9}" if found else None


def _unseen(array: Array, items: Iterable[Item], seen: set[tuple[str, ...]]) -> tuple[list[Item], int]:
    kept, dropped = [], 0
    for item in items:
        name = identity(array, item)
        if name is not None and name in seen:
            dropped += 1
            continue
        if name is not None:
            seen.add(name)
        kept.append(item)
    return kept, dropped


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and moment(value) is None else None


def _sorted(places: list[str | None], newest_first: bool) -> bool:
    known = [place for place in places if place is not None]
    return len(known) == len(places) and known == sorted(known, reverse=newest_first)
