"""Walk the pages of one list to its end, or to a bound that is told. Knows no HTTP and no cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kalshi.errors import RateLimited, UnexpectedPayload, UpstreamUnavailable
from kalshi.services.stitch import Array, Item, identity
from kalshi.upstream import documents
from kalshi.upstream.params import MAX_VALUE_BYTES

MAX_PAGES = 20
MAX_BYTES = 16 * 1024 * 1024
MAX_S = 30.0

_SENDABLE = re.compile(f"[!-~]{{1,{MAX_VALUE_BYTES}}}")
"""Kalshi's cursors are URL-safe texts; what it could not be asked with is none."""

Ask = Callable[[str], bytes]
"""The body of the page behind a cursor; "" is page one. Raises the tree of kalshi.errors."""


@dataclass(slots=True)
class Bounds:
    """What is left for all walks of one answer. clock: seconds, only differences count."""

    clock: Callable[[], float]
    pages: int = MAX_PAGES
    bytes: int = MAX_BYTES
    ends_at: float = 0.0

    def __post_init__(self) -> None:
        self.ends_at = self.clock() + MAX_S

    def reached(self) -> str | None:
        """The word for the bound that stops the walk before its next page."""
        if self.pages <= 0:
            return "page_limit"
        if self.bytes <= 0:
            return "size_limit"
        return "time_limit" if self.clock() >= self.ends_at else None


@dataclass(slots=True)
class Walk:
    """Items by array name, in the order they came. `reason`: why the walk ended early, None for the list's end.

    `cursor`: where it would go on; "" at the end, and where going on makes no sense.
    """

    items: dict[str, list[Item]]
    pages: int = 0
    reason: str | None = None
    cursor: str = ""
    names: set[tuple[str, ...]] = field(default_factory=set)
    cursors: set[str] = field(default_factory=set)

    def take(self, arrays: tuple[Array, ...], page: Mapping[str, list[Item]]) -> bool:
        """Add a page; False when it is one that was there before."""
        found = [(array.name, identity(array, item)) for array in arrays for item in page[array.name]]
        names = {(name, *parts) for name, parts in found if parts is not None}
        if found and len(names) == len(found) and names <= self.names:
            return False
        self.names |= names
        for name, items in page.items():
            self.items[name] += items
        self.pages += 1
        return True


def walk(ask: Ask, arrays: tuple[Array, ...], bounds: Bounds, *, must_begin: bool) -> Walk:
    """Ask for page after page. A cursor or page that comes again ends it: a garbled cursor leads back to page one.

    must_begin: a failure on the first page is raised. Other failures (outage, budget, a page without the list) end the
    walk with their code as the reason; what Kalshi refuses is always raised.
    """
    done = Walk({array.name: [] for array in arrays})
    cursor: str = ""
    following: str | None = None
    while True:
        done.reason = bounds.reached()
        if done.reason is None:
            try:
                body = ask(cursor)
                page, following = _read(arrays, body)
            except (UpstreamUnavailable, RateLimited, UnexpectedPayload) as problem:
                if must_begin and done.pages == 0:
                    raise
                done.reason = problem.code
        if done.reason is not None:
            done.cursor = cursor
            return done
        bounds.pages -= 1
        bounds.bytes -= len(body)
        if not done.take(arrays, page):
            done.reason = "repeated_page"
        elif following is None:
            done.reason = "unreadable_cursor"
        elif following in done.cursors:
            done.reason = "repeated_cursor"
        if done.reason is not None or not following:
            return done
        cursor = following
        done.cursors.add(cursor)


def _read(arrays: tuple[Array, ...], body: bytes) -> tuple[dict[str, list[Item]], str | None]:
    """The lists of a page, and the cursor as of `_following`. Raises UnexpectedPayload."""
    page = documents.read_object(body)
    lists = {}
    for array in arrays:
        items = page.get(array.name, False)
        if items is None:  # Go's way to write an empty list
            items = []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise UnexpectedPayload(f"Kalshi's answer has no list {array.name}.")
        lists[array.name] = items
    return lists, _following(page, lists)


def _following(page: documents.Object, lists: Mapping[str, list[Item]]) -> str | None:
    """The cursor of the next page, "" on the last one. None: there may be a next page, but nothing tells which.

    It may stand under another name: without a cursor whatever we do not know may be one, else what is called so.
    """
    cursor = page.get("cursor")
    if cursor is None or cursor == "":
        others = [name for name, value in page.items() if value and name not in lists]
        return None if any("cursor" not in page or "cursor" in name.casefold() for name in others) else ""
    return cursor if type(cursor) is str and _SENDABLE.fullmatch(cursor) else None
