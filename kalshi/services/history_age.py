"""How old a document is that was made of several answers. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.services.read import Reading

# What happened to any part happened to the whole; the worst first.
_KINDS = ("stale", "miss", "refreshed", "forced", "collapsed", "hit")


def combined(
    body: bytes, etag: str, readings: Sequence[Reading], now: float
) -> tuple[Answer, EndpointOptions]:
    """An answer as old as the oldest part, with the options under which it is fresh as long as all parts are.

    now: epoch seconds. `readings` are in the order of reading and not empty.
    """
    oldest = max((reading.answer.entry for reading in readings), key=lambda entry: _oldness_s(entry, now))
    first = min(readings, key=lambda reading: _left_s(reading, now))
    keep_s = min(reading.options.keep_s for reading in readings)
    fresh_s = max(0.0, (oldest.age_s(now) or 0.0) + _left_s(first, now))
    whole = min(readings, key=lambda reading: _KINDS.index(reading.answer.kind)).answer
    entry = Entry("", 200, body, oldest.fetched_at, fresh_s, keep_s, etag)
    answer = Answer(entry, whole.kind, stored=whole.stored, detail=whole.detail)
    return answer, dataclasses.replace(first.options, fresh_s=round(fresh_s), keep_s=keep_s)


def _left_s(reading: Reading, now: float) -> float:
    """Seconds until it is stale; negative when it is."""
    return reading.options.fresh_s - _oldness_s(reading.answer.entry, now)


def _oldness_s(entry: Entry, now: float) -> float:
    """An entry of unknown age counts as the oldest, and makes the whole's age unknown."""
    age_s = entry.age_s(now)
    return math.inf if age_s is None else age_s
