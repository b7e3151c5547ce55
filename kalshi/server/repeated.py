"""Requests that were answered at once, known again by their bytes: callers who poll send the same ones each time.

A signed request has a time and a signature of its own. It is known by all its other bytes, as long as the two stand
where they stood in an earlier request of the same length.
"""

from __future__ import annotations

MAX_KNOWN = 1024
MAX_BYTES = 4096

Changing = tuple[bytes, ...]
"""The values that are different each time, in an order of the application's choice."""
_Key = tuple[str, str, bytes]
# Where the changing values stand: (begin, end) for each, and the order of the places in the request.
_Places = tuple[tuple[tuple[int, int], ...], tuple[int, ...]]


class Repeated:
    """Requests by scheme, peer and bytes, with what was read from them. Used by the event loop alone.

    The changing values of a known request are cut out unread: whoever gets them must refuse what is not of their kind.
    """

    def __init__(self) -> None:
        self._whole: dict[_Key, object] = {}
        self._cut: dict[_Key, object] = {}
        self._places: dict[int, _Places] = {}  # by length of the request

    def find(self, scheme: str, peer: str, data: bytes) -> tuple[object, Changing] | None:
        """What was read from such a request, and the values that change."""
        places = self._places.get(len(data))
        if places is not None:
            rest, changing = _cut(data, places)
            read = self._cut.get((scheme, peer, rest))
            if read is not None:
                return read, changing
        read = self._whole.get((scheme, peer, data))
        return None if read is None else (read, ())

    def keep(self, scheme: str, peer: str, data: bytes, read: object, changing: Changing) -> None:
        """Know this one request again. Not kept: very long ones, and those where a changing value stands twice."""
        if len(data) > MAX_BYTES:
            return
        if len(self._whole) + len(self._cut) >= MAX_KNOWN:
            self._whole.clear()
            self._cut.clear()
            self._places.clear()
        if not changing:
            self._whole[scheme, peer, data] = read
            return
        places = _find(data, changing)
        if places is not None:
            self._places[len(data)] = places
            rest, _ = _cut(data, places)
            self._cut[scheme, peer, rest] = read


def _find(data: bytes, changing: Changing) -> _Places | None:
    spans = []
    for value in changing:
        begin = data.find(value)
        if not value or data.count(value) != 1:
            return None
        spans.append((begin, begin + len(value)))
    order = tuple(sorted(range(len(spans)), key=lambda number: spans[number]))
    return tuple(spans), order


def _cut(data: bytes, places: _Places) -> tuple[bytes, Changing]:
    """The bytes without the changing values, and these."""
    spans, order = places
    pieces, end = [], 0
    for number in order:
        begin, next_end = spans[number]
        pieces.append(data[end:begin])
        end = next_end
    pieces.append(data[end:])
    # No header's value contains a NUL: pieces cannot be mistaken for others that are joined elsewhere.
    return b"\0".join(pieces), tuple([data[begin:end] for begin, end in spans])
