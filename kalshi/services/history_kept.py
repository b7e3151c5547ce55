"""Documents of `history=true`: made once, then handed out again while the pages they were made of stand.

Every question reads the pages, through the cache as ever, for access, freshness and no-cache; when each has the ETag
that it had, the document is the one of before, and nothing of it is read or written anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kalshi.byte_lru import ByteLru
from kalshi.byte_table import size_of
from kalshi.cache.entry import etag_of
from kalshi.errors import KalshiError, NotFound
from kalshi.models import Account
from kalshi.services import costly, engine
from kalshi.services.history_cutoff import Furthest
from kalshi.services.history_lists import STITCHED
from kalshi.services.history_market import MOVED, read_wherever
from kalshi.services.history_read import History, Reader, read_cutoff, read_history
from kalshi.services.history_walk import MAX_S
from kalshi.services.read import Reading, identity_of
from kalshi.upstream.endpoints import Endpoint
from kalshi.upstream.params import Call

CUTOFF = "get_historical_cutoff"
WAITED_S = 1.0
"""Whoever waited longer for a seat reads the pages again."""
PAGE_BYTES = 500
"""What a page of a kept document costs besides its texts."""


@dataclass(frozen=True, slots=True)
class Document:
    """A body, its ETag, and every reading that it stands on now, in the order of reading."""

    body: bytes
    etag: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """One page as it was read. etag: None where Kalshi said 404."""

    call: Call
    mark: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    body: bytes
    etag: str
    pages: tuple[_Page, ...]

    def size(self) -> int:
        texts = size_of(
            *(text for page in self.pages for text in (page.mark, page.call.path, page.call.params))
        )
        return size_of(self.body) + texts + PAGE_BYTES * len(self.pages)


@dataclass(slots=True)
class _Pages:
    """Reads every page at most once for one question, and remembers which. failed: one could not be read."""

    reader: Reader
    pages: list[_Page] = field(default_factory=list)
    readings: dict[tuple[str, str, object, str], Reading] = field(default_factory=dict)
    failed: bool = False

    def read(self, call: Call, *, forced: bool = False, mark: str = "") -> Reading:
        name = call.endpoint.operation, call.path, call.params, mark
        reading = self.readings.get(name)
        try:
            reading = self.readings[name] = reading or self.reader(call, forced=forced, mark=mark)
        except NotFound:
            self.pages.append(_Page(call, mark, None))
            raise
        except KalshiError:
            self.failed = True
            raise
        self.pages.append(_Page(call, mark, reading.answer.entry.etag))
        return reading

    def begin(self) -> None:
        """Forget what was asked for, not what was read."""
        self.pages.clear()
        self.failed = False

    def to_keep(self) -> tuple[_Page, ...]:
        """Of the cutoff, which may be read twice, the last reading counts."""
        last = {page.call.endpoint.operation: page for page in self.pages}.get(CUTOFF)
        return tuple(page for page in self.pages if page is last or page.call.endpoint.operation != CUTOFF)


@dataclass(frozen=True, slots=True)
class Question:
    """query: without `history`. forced: ask Kalshi for every live page."""

    endpoint: Endpoint
    query: tuple[tuple[str, str], ...]
    path_args: Mapping[str, str]
    forced: bool

    def name(self, owner: str, identity: str) -> str:
        """Of its document. owner: the account's id, see `engine_parts.Shared.documents`; identity: as whom Kalshi is
        asked for it (`read.identity_of`).
        """
        asked = f"{self.endpoint.operation} {sorted(self.path_args.items())} {self.query}"
        return f"{owner} {identity} {asked}"


def document(question: Question, reader: Reader, *, account: Account, caller: str) -> Document:
    """account: whose data `reader` reads; caller: whose share it takes. Raises what `read_history` and `read_wherever`
    raise, and what `Costly.once` does.
    """
    running = engine.of(account)
    name = question.name(running.scope.account, identity_of(running, account))
    shared = engine.shared()
    maker = Maker(shared.documents, name, question, reader, shared.cutoffs(running.scope))
    return maker.again() or costly.work.once((name, question.forced), caller, maker.make)


class Maker:
    """Makes the document of one question, or finds that the one of before is good. Every page is read once at most."""

    def __init__(
        self, store: ByteLru[Any], name: str, question: Question, reader: Reader, furthest: Furthest
    ) -> None:
        self._store = store
        self._name = name
        self._question = question
        self._reader = reader
        self._furthest = furthest
        self._pages = _Pages(reader)
        self._began = time.monotonic()

    def again(self) -> Document | None:
        """The document of before, when all its pages stand."""
        kept: _Kept | None = self._store.get(self._name)
        if kept is None:
            return None
        try:
            readings = self._standing(kept.pages)
        except KalshiError:
            return None  # whoever makes it anew says what that means
        return None if readings is None else Document(kept.body, kept.etag, readings)

    def make(self) -> Document:
        """Make it and keep it, unless somebody did just now, or a page was missing that may be there the next time."""
        if time.monotonic() - self._began > WAITED_S:
            self._pages = _Pages(self._reader)
        found = self.again()
        if found is not None:
            return found
        self._pages.begin()
        began = time.monotonic()
        history = self._read()
        made = Document(history.body, etag_of(history.body), history.readings)
        if not self._pages.failed and time.monotonic() - began < MAX_S:
            self._store.set(self._name, _Kept(made.body, made.etag, self._pages.to_keep()), None)
        return made

    def _read(self) -> History:
        asked, read = self._question, self._pages.read
        if asked.endpoint.operation in MOVED:
            return read_wherever(asked.endpoint, asked.query, asked.path_args, read, forced=asked.forced)
        return read_history(asked.endpoint, asked.query, read, self._furthest, forced=asked.forced)

    def _standing(self, pages: Iterable[_Page]) -> tuple[Reading, ...] | None:
        """The pages as they are now, read as `read_history` reads them; None when one is not as it was."""
        asked, read = self._question, self._pages.read
        readings: list[Reading] = []
        newest_live = 0.0
        for page in pages:
            if page.call.endpoint.operation == CUTOFF:
                name = STITCHED[asked.endpoint.operation].cutoff
                cutoff = read_cutoff(read, newest_live, name, self._furthest)
                if cutoff.reading is None or not cutoff.confirmed:
                    return None
                reading = cutoff.reading
            else:
                try:
                    reading = read(page.call, forced=asked.forced and not page.mark, mark=page.mark)
                except NotFound:
                    if page.etag is not None:
                        raise
                    continue
                newest_live = max(newest_live, 0.0 if page.mark else reading.answer.entry.fetched_at)
            if reading.answer.entry.etag != page.etag:
                return None
            readings.append(reading)
        return tuple(readings)
