"""Requests that were answered at once, known again by their bytes: callers who poll send the same ones each time.

A signed request has a time and a signature of its own. It is known by all its other bytes, as long as the two stand
where they stood in an earlier request of the same length.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import itemgetter

MAX_KNOWN = 1024
MAX_BYTES = 4096

Changing = tuple[bytes, ...]
"""The values that are different each time, in an order of the application's choice."""
# The pieces of a request, every second of which is a changing value.
_Cut = Callable[[bytes], tuple[bytes, ...]]
# Which of the changing values comes first, second, ... for the application.
_Order = tuple[int, ...]


class Repeated:
    """Requests by scheme, peer and bytes, with what was read from them. Used by the event loop alone.

    The changing values of a known request are cut out unread: whoever gets them must refuse what is not of their kind.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, bytes | tuple[bytes, ...]], object] = {}
        self._cuts: dict[int, tuple[_Cut, _Order]] = {}  # by length of the request

    def find(self, scheme: str, peer: str, data: bytes) -> tuple[object, Changing] | None:
        """What was read from such a request, and the values that change."""
        known_cut = self._cuts.get(len(data))
        if known_cut is not None:
            cut, order = known_cut
            pieces = cut(data)
            read = self._known.get((scheme, peer, pieces[::2]))
            if read is not None:
                values = pieces[1::2]
                return read, tuple([values[number] for number in order])
        read = self._known.get((scheme, peer, data))
        return None if read is None else (read, ())

    def keep(self, scheme: str, peer: str, data: bytes, read: object, changing: Changing) -> None:
        """Know this one request again. Not kept: very long ones, and those where a changing value stands twice."""
        if len(data) > MAX_BYTES:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
            self._cuts.clear()
        if not changing:
            self._known[scheme, peer, data] = read
        elif all(value and data.count(value) == 1 for value in changing):
            cut, _ = self._cuts[len(data)] = _cutter(data, changing)
            self._known[scheme, peer, cut(data)[::2]] = read


def _cutter(data: bytes, changing: Changing) -> tuple[_Cut, _Order]:
    """For requests in which the changing values stand where they stand in this one."""
    places = sorted((data.index(value), value) for value in changing)
    ends = [0, *(end for begin, value in places for end in (begin, begin + len(value))), len(data)]
    slices = [slice(begin, end) for begin, end in pairwise(ends)]
    values = [value for _, value in places]
    return itemgetter(*slices), tuple(values.index(value) for value in changing)
