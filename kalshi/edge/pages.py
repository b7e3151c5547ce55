"""What the edge knows about URLs: which cache key answers, and which headers Django put around it.

The headers are learned from an answer that Django gave to the same URL, host, origin and scheme, so whatever its
middleware adds is added here too; only those that tell about the moment are made anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kalshi.byte_table import ByteTable, size_of
from kalshi.cache.entry import Entry
from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.edge.log_path import LogPath
from kalshi.limits.breakers import OperationBreaker
from kalshi.services import freshness
from kalshi.services.handover import Answered

PAGES_BYTES = 32 * 2**20
FRAME_BYTES = 10_000
"""What a page costs besides address and texts: the headers of two statuses, as pairs and as lines. No caller can make
them longer.
"""

Header = tuple[bytes, bytes]
# Raw path, query, host, origin, scheme, account header: everything that the headers or the key may depend on.
Address = tuple[bytes, bytes, bytes | None, bytes | None, str, bytes | None]

# Made anew by us, or by the server (`date`). Everything else is the frame.
NOT_THE_FRAME = frozenset(
    {b"age", b"cache-control", b"cache-status", b"content-length", b"date", b"etag", b"x-request-id"}
)


@dataclass(frozen=True, slots=True)
class Made:
    """Status and headers of an answer, but for the request id, and what they were made for.

    kind: "hit" or "stale"; headers, and the same as lines of HTTP. Good from `since` until `until` (epoch seconds), for
    this ETag, moment of fetching and settings.
    """

    status: int
    kind: str
    headers: list[Header]
    lines: bytes
    etag: str
    fetched_at: float
    options: EndpointOptions
    since: float
    until: float


@dataclass(slots=True)
class Page:
    """One address for one identity. `around`: status -> the headers that stay the same whatever the entry."""

    key: str
    operation: str
    route: str
    log_path: LogPath
    breaker: OperationBreaker
    around: dict[int, tuple[Header, ...]] = field(default_factory=dict)
    _made: dict[int, Made] = field(default_factory=dict)

    def learn(self, status: int, headers: Iterable[Header]) -> None:
        """Keep the frame of an answer of Django's."""
        self.around[status] = tuple((name, value) for name, value in headers if name not in NOT_THE_FRAME)
        self._made.pop(status, None)

    def still_good(self, status: int, entry: Entry, options: EndpointOptions, now: float) -> Made | None:
        """What was made last, while it would come out the same again: the entry is fresh, and no second passed.

        At full speed this spares deciding, and making the headers, for all requests but one a second.
        """
        made = self._made.get(status)
        if (
            made is not None
            and made.etag is entry.etag
            and made.fetched_at == entry.fetched_at
            and made.options is options
            and made.since <= now < made.until
        ):
            return made
        return None

    def make(self, status: int, answer: Answer, options: EndpointOptions, now: float) -> Made:
        """The headers of an answer of this moment."""
        entry = answer.entry
        headers = [
            *(
                (name.lower().encode(), value.encode())
                for name, value in freshness.headers(answer, options, now).items()
                if name != "Vary"  # the gateway's has one name more; the frame knows
            ),
            *self.around[status],
        ]
        if status == 200:
            headers.append((b"content-length", str(len(entry.body)).encode()))
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        is_hit = answer.kind == "hit"
        until = _good_until(entry, options, now) if is_hit else now
        # The ETag's text stands for the body; the entry itself would be kept in memory by every page.
        made = Made(status, answer.kind, headers, lines, entry.etag, entry.fetched_at, options, now, until)
        if is_hit:
            self._made[status] = made
        return made


def _good_until(entry: Entry, options: EndpointOptions, now: float) -> float:
    """When the Age or the ttl of a fresh entry changes next, or the entry is fresh no more. Epoch seconds."""
    age_s = entry.age_s(now)
    if age_s is None:
        return now
    left_s = options.fresh_s - age_s
    kept_s = min(options.keep_s, entry.keep_s)
    return entry.fetched_at + min(int(age_s) + 1, options.fresh_s - int(left_s), options.fresh_s, kept_s)


class Pages:
    """The addresses asked for last, each for the identity as which Kalshi is asked. Used by the event loop alone.

    max_bytes: what they take in memory together.
    """

    def __init__(self, max_bytes: int = PAGES_BYTES) -> None:
        self._pages: ByteTable[tuple[Address, str], Page] = ByteTable(max_bytes)

    def get(self, address: Address, identity: str) -> Page | None:
        return self._pages.get((address, identity))

    def learn(self, address: Address, answered: Answered, route: str, log_path: LogPath) -> Page:
        """The page of an address and an identity, made anew when another key answers there now."""
        place = (address, answered.identity)
        page = self._pages.get(place)
        if page is None or page.key != answered.key or page.breaker is not answered.breaker:
            page = Page(answered.key, answered.operation, route, log_path, answered.breaker)
        self._pages.put(place, page, size_of(place, page.key, log_path) + FRAME_BYTES)
        return page
