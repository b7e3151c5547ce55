"""How far Kalshi's cutoff was seen: one that is no time, or that lies before an earlier answer's, confirms nothing.

Copies of the archive are told apart by the cutoff that they were made under. That holds while it only moves forward;
a replica of Kalshi's that lags brings back a cutoff, and with it copies from before items moved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kalshi.redis_link import NUMBER, PREFIX, RedisLink, RedisLost
from kalshi.services.stitch import moment

REMEMBERED_S = 3600
"""How long a cutoff bars those before it, after it was seen last."""

# KEYS: what was seen furthest. ARGV: epoch seconds of the cutoff, epoch seconds of its fetch, seconds to remember it.
# Returns whether it goes back. What is no such pair of numbers is none.
_NOTE = f"""{NUMBER}
local seen, fetched = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+%.?%d*)$')
seen, fetched = number(seen), number(fetched)
local at = tonumber(ARGV[1])
if seen and fetched and seen > at then
  return tonumber(ARGV[2]) > fetched and 1 or 0
end
local first = seen == at and fetched and fetched < tonumber(ARGV[2]) and string.format('%.6f', fetched) or ARGV[2]
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. first, 'EX', ARGV[3])
return 0
"""


def time_of(cutoff: Mapping[str, Any], name: str) -> int | None:
    """The whole epoch seconds of one of its fields; None for what is no moment, or before 1970."""
    at = moment(cutoff.get(name))
    with suppress(ValueError):
        if at is not None:
            seconds = int(datetime.fromisoformat(at[:19]).replace(tzinfo=UTC).timestamp())
            return seconds if seconds >= 0 else None
    return None


@dataclass(frozen=True, slots=True)
class _Seen:
    at: int
    fetched_at: float
    until: float  # monotonic seconds


class Furthest:
    """Of one host, thread-safe. host: as it stands in keys. link: shares what was seen with all processes on the same
    Redis; this process remembers its own too.
    """

    def __init__(
        self, host: str, link: RedisLink | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._link = link
        self._monotonic = monotonic
        self._note = link.script(_NOTE) if link is not None else None
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def goes_back(self, name: str, at: int, fetched_at: float) -> bool:
        """Whether a later cutoff was fetched before this one. name: of the field; at, fetched_at: epoch seconds."""
        here = self._goes_back_here(name, at, fetched_at)
        if self._link is None or self._note is None:
            return here
        key = self._link.name(f"{PREFIX}:cutoff:{self._host}:{name}")
        try:
            return bool(self._note([key], [at, f"{fetched_at:.6f}", REMEMBERED_S])) or here
        except RedisLost:
            return here

    def _goes_back_here(self, name: str, at: int, fetched_at: float) -> bool:
        now = self._monotonic()
        with self._lock:
            seen = self._seen.get(name)
            if seen is not None and seen.until > now:
                if at < seen.at:
                    return fetched_at > seen.fetched_at
                if at == seen.at:
                    fetched_at = min(fetched_at, seen.fetched_at)
            self._seen[name] = _Seen(at, fetched_at, now + REMEMBERED_S)
            return False
