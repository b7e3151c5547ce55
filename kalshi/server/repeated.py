"""Requests that were answered at once, known again by their bytes: callers who poll send the same ones each time.

A signed request has a time and a signature of its own. It is known by all its other bytes, as long as the two stand
where they stood in an earlier request of the same length.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from operator import itemgetter

from kalshi.byte_table import ByteTable

MAX_BYTES = 4096
"""Of a request that is known again."""
KNOWN_BYTES = 8 * 2**20
READ_BYTES = 1_000
"""What a request costs besides its bytes, which stand in the table and once more in what was read from them."""
CUTS_BYTES = 2**20
CUT_BYTES = 1_500

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
        self._known: ByteTable[tuple[str, str, bytes | tuple[bytes, ...]], object] = ByteTable(KNOWN_BYTES)
        # By length of the request.
        self._cuts: ByteTable[int, tuple[_Cut, _Order]] = ByteTable(CUTS_BYTES)

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
        size = 2 * len(data) + READ_BYTES
        if not changing:
            self._known.put((scheme, peer, data), read, size)
        elif all(value and data.count(value) == 1 for value in changing):
            cutter = _cutter(data, changing)
            self._cuts.put(len(data), cutter, CUT_BYTES)
            self._known.put((scheme, peer, cutter[0](data)[::2]), read, size)


def _cutter(data: bytes, changing: Changing) -> tuple[_Cut, _Order]:
    """For requests in which the changing values stand where they stand in this one."""
    places = sorted((data.index(value), value) for value in changing)
    ends = [0, *(end for begin, value in places for end in (begin, begin + len(value))), len(data)]
    slices = [slice(begin, end) for begin, end in pairwise(ends)]
    values = [value for _, value in places]
    return itemgetter(*slices), tuple(values.index(value) for value in changing)
