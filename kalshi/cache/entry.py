"""One cached answer, and its form as bytes.

Layout of the packed form, big-endian: magic (4), CRC-32 of all that follows (4), status (u16), lengths of
identity and ETag (u16 each), fetched_at, fresh_s, keep_s (f64 each), identity, ETag, then the body to the
end. Never pickle: whoever can write to the shared cache must not be able to run code here.
"""

import math
import re
import struct
import zlib
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

_MAGIC = b"KAL1"
_HEAD = struct.Struct("!4sI")
_META = struct.Struct("!HHHddd")
_STATUSES = (200, 404)
_ETAG = re.compile(r'"[!#-~]*"')
"""What may stand in a header."""
HEAD_BYTES = _HEAD.size + _META.size
"""The first bytes of a packed entry. They hold its checksum: where they are the same, so is the entry."""
CLOCK_SLACK_S = 5.0
"""An entry from further in the future was stored before our clock was set back: its age is unknown."""


class Dated:
    """What was fetched at a moment, epoch seconds."""

    __slots__ = ()
    fetched_at: float

    def age_s(self, now: float) -> float | None:
        """Seconds since the fetch, never negative (clocks of several machines differ); None: unknown."""
        age_s = now - self.fetched_at
        return age_s if age_s >= 0 else 0.0 if age_s >= -CLOCK_SLACK_S else None


@dataclass(frozen=True, slots=True)
class Head(Dated):
    """What the first HEAD_BYTES of a packed entry tell. fetched_at: epoch seconds."""

    status: int
    fetched_at: float
    fresh_s: float
    keep_s: float

    @classmethod
    def unpack(cls, packed: object) -> Self | None:
        """None for anything that `Entry.pack` did not begin. The checksum needs the whole and is not looked at."""
        if not isinstance(packed, bytes) or len(packed) < HEAD_BYTES or packed[: len(_MAGIC)] != _MAGIC:
            return None
        status, _, _, *numbers = _META.unpack_from(packed, _HEAD.size)
        return cls(status, *numbers) if all(map(math.isfinite, numbers)) else None


def etag_of(body: bytes) -> str:
    """Strong validator (RFC 9110) of these very bytes; tells nothing about whose they are."""
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


@dataclass(frozen=True, slots=True)
class Entry(Dated):
    """A raw upstream body. fetched_at: epoch seconds; fresh_s, keep_s: the policy's numbers when it was
    stored.

    `identity` is the cache key it was stored under: a copy found under another key is not believed.
    """

    identity: str
    status: int
    body: bytes
    fetched_at: float
    fresh_s: float
    keep_s: float
    etag: str

    @classmethod
    def of(
        cls, identity: str, status: int, body: bytes, *, fetched_at: float, fresh_s: float, keep_s: float
    ) -> Self:
        """A new entry with the ETag of its body. status: 200 or 404."""
        if status not in _STATUSES:
            raise ValueError(f"only answers with status 200 or 404 are kept, not {status}")
        return cls(identity, status, body, fetched_at, fresh_s, keep_s, etag_of(body))

    def pack(self) -> bytes:
        """The entry as bytes for any store."""
        identity, etag = self.identity.encode(), self.etag.encode()
        numbers = (self.fetched_at, self.fresh_s, self.keep_s)
        meta = _META.pack(self.status, len(identity), len(etag), *numbers) + identity + etag
        return b"".join((_HEAD.pack(_MAGIC, zlib.crc32(self.body, zlib.crc32(meta))), meta, self.body))

    @classmethod
    def unpack(cls, packed: object) -> Self | None:
        """The entry, or None for anything that `pack` did not write: damage is a miss, never an exception."""
        if not isinstance(packed, bytes) or len(packed) < _HEAD.size + _META.size:
            return None
        magic, checksum = _HEAD.unpack_from(packed)
        if magic != _MAGIC or zlib.crc32(memoryview(packed)[_HEAD.size :]) != checksum:
            return None
        start = _HEAD.size + _META.size
        status, identity_len, etag_len, fetched_at, fresh_s, keep_s = _META.unpack_from(packed, _HEAD.size)
        etag_at = start + identity_len
        body_at = etag_at + etag_len
        numbers_good = math.isfinite(fetched_at + fresh_s + keep_s)
        if status not in _STATUSES or body_at > len(packed) or not numbers_good:
            return None
        try:
            identity, etag = packed[start:etag_at].decode(), packed[etag_at:body_at].decode()
        except UnicodeDecodeError:
            return None
        if not _ETAG.fullmatch(etag):
            return None
        return cls(identity, status, packed[body_at:], fetched_at, fresh_s, keep_s, etag)
