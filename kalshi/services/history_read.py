"""Read a list with its history: the live pages and those of Kalshi's archive, through the cache, as one document.

Nothing is lost while the cutoff moves, in this order: first the live pages; then the cutoff, which must be as young as
they are; then the archive's pages, of which only copies count that were made under this very cutoff. What left the live
list before it was read is in the archive by then, and what is in both is told by its id. A cutoff that is no time, or
that goes back, confirms nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from kalshi.errors import BadRequest, RateLimited, UnexpectedPayload, UpstreamUnavailable
from kalshi.services.history_cutoff import Furthest, time_of
from kalshi.services.history_lists import PAGE_SIZE, STITCHED, Plan, Stitched
from kalshi.services.history_walk import Bounds, Walk, walk
from kalshi.services.read import Reading
from kalshi.services.stitch import Item, merge
from kalshi.upstream import documents, params
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.upstream.params import Call


class Reader(Protocol):
    """kalshi.services.read.read, or the same for another account."""

    def __call__(self, call: Call, *, forced: bool = ..., mark: str = ...) -> Reading: ...


@dataclass(frozen=True, slots=True)
class History:
    """The document, and every reading that it was made of."""

    body: bytes
    readings: tuple[Reading, ...]


@dataclass(slots=True)
class _Pages:
    """Reads pages of one operation and keeps the readings."""

    read: Reader
    endpoint: Endpoint
    query: list[tuple[str, str]]
    forced: bool = False
    mark: str = ""
    readings: list[Reading] = field(default_factory=list)

    def ask(self, cursor: str) -> bytes:
        pairs = [*self.query, ("cursor", cursor)] if cursor else self.query
        call = params.validate(self.endpoint, pairs, {}, api=True)
        reading = self.read(call, forced=self.forced, mark=self.mark)
        self.readings.append(reading)
        return reading.answer.entry.body


@dataclass(slots=True)
class _Walked:
    """Both walks, the cutoff's body, all readings, and the pages walked last. `archive` None: not looked into."""

    live: Walk
    readings: list[Reading]
    last: _Pages
    archive: Walk | None = None
    cutoff: dict[str, Any] | None = None


def read_history(
    endpoint: Endpoint,
    query: Iterable[tuple[str, str]],
    read: Reader,
    furthest: Furthest,
    *,
    forced: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> History:
    """`query`: the live list's own parameters; `limit` is the size of a page of the walk, not of the answer.

    forced: ask Kalshi for every live page. Raises what the first live page raises, BadRequest for what cannot be
    kept on both sides, and what Kalshi refuses. A walk that ends early is told in the document.
    """
    listed = STITCHED[endpoint.operation]
    live_query, asked = _live_query(listed, endpoint, query)
    plan = listed.plan(asked)
    bounds = Bounds(clock)
    live = _Pages(read, endpoint, live_query, forced=forced)
    walked = _Walked(walk(live.ask, listed.arrays, bounds, must_begin=True), live.readings, live)
    if walked.live.reason is None and plan.query is not None:
        newest_live = max(reading.answer.entry.fetched_at for reading in walked.readings)
        cutoff = read_cutoff(read, newest_live, listed.cutoff, furthest)
        archive_query = [*plan.query, ("limit", dict(live_query)["limit"])]
        mark = cutoff.reading.answer.entry.etag if cutoff.reading else ""
        archive = _Pages(read, ENDPOINTS[listed.archive], archive_query, mark=mark)
        _read_archive(walked, cutoff, archive, listed, bounds)
    return History(_document(listed, plan, walked), tuple(walked.readings))


def _read_archive(walked: _Walked, cutoff: Cutoff, archive: _Pages, listed: Stitched, bounds: Bounds) -> None:
    walked.readings += [cutoff.reading] if cutoff.reading else []
    walked.cutoff = cutoff.body
    walked.last = archive
    walked.archive = walk(archive.ask, listed.arrays, bounds, must_begin=False)
    walked.readings += archive.readings
    if walked.archive.reason is None and not cutoff.confirmed:
        walked.archive.reason = "cutoff_unconfirmed"


def _live_query(
    listed: Stitched, endpoint: Endpoint, query: Iterable[tuple[str, str]]
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The query of the live pages, and what was asked for apart from paging."""
    given = list(query)
    names = {name for name, _ in given}
    if "cursor" in names:
        raise BadRequest("cursor cannot be combined with history=true, which reads all pages.")
    given += [(name, value) for name, value in listed.defaults.items() if name not in names]
    if "limit" not in names:
        given.append(("limit", str(PAGE_SIZE)))
    call = params.validate(endpoint, given, {}, api=True)
    pairs = dict(call.params)
    if pairs["limit"] == "0":
        raise BadRequest("limit must be at least 1 with history=true.")
    return list(call.params), {name: value for name, value in pairs.items() if name != "limit"}


@dataclass(frozen=True, slots=True)
class Cutoff:
    """confirmed: it is as young as the live pages, a time, and not before one that was seen earlier."""

    body: dict[str, Any] | None = None
    reading: Reading | None = None
    confirmed: bool = False


def read_cutoff(read: Reader, live_read_at: float, name: str, furthest: Furthest) -> Cutoff:
    """The cutoff, where possible as young as the live pages. live_read_at: epoch seconds; name: its field."""
    reading = _young_cutoff(read, live_read_at)
    if reading is None:
        return Cutoff()
    entry = reading.answer.entry
    try:
        body = documents.read_object(entry.body)
    except UnexpectedPayload:
        return Cutoff()
    at = time_of(body, name)
    if at is None or entry.fetched_at < live_read_at:
        return Cutoff(body, reading)
    return Cutoff(body, reading, not furthest.goes_back(name, at, entry.fetched_at))


def _young_cutoff(read: Reader, live_read_at: float) -> Reading | None:
    call = params.validate(ENDPOINTS["get_historical_cutoff"], [], {}, api=True)
    reading = None
    with suppress(UpstreamUnavailable, RateLimited, UnexpectedPayload):
        reading = read(call)
        if reading.answer.entry.fetched_at < live_read_at:
            # Under a mark that is new with these live pages, there is no copy from before them.
            reading = read(call, mark=repr(live_read_at))
    return reading


def _document(listed: Stitched, plan: Plan, walked: _Walked) -> bytes:
    live, archive = walked.live, walked.archive
    lists: dict[str, list[Item]] = {}
    dropped = left_out = 0
    for array in listed.arrays:
        old = archive.items[array.name] if archive else []
        verdicts = [[keep(item) for keep in plan.filters] for item in old]
        wanted = [item for item, verdict in zip(old, verdicts, strict=True) if all(verdict)]
        left_out += sum(None in verdict and False not in verdict for verdict in verdicts)
        merged = merge(array, live.items[array.name], wanted)
        lists[array.name] = merged.items
        dropped += merged.dropped
    last = archive or live
    reason = last.reason or ("fields_missing" if left_out else None)
    history = {
        "complete": reason is None,
        "reason": reason,
        "next": _next(walked.last, last.cursor) if reason and last.cursor else None,
        "live_pages": live.pages,
        "archive_pages": archive.pages if archive else 0,
        "cutoff": walked.cutoff,
        "dropped_duplicates": dropped,
        "left_out": left_out,
    }
    document = {**lists, "cursor": "", "history": history}
    return documents.write(document)


def _next(pages: _Pages, cursor: str) -> dict[str, Any]:
    """The plain request that goes on where the walk ended. What we filter ourselves is not filtered there."""
    return {"endpoint": f"{pages.endpoint.route}/", "parameters": dict([*pages.query, ("cursor", cursor)])}
