"""Deterministic randomness: hashes instead of a generator's state, so any moment can be computed on its own."""

import hashlib
import math
from functools import lru_cache

MASK = 0xFFFFFFFFFFFFFFFF


def mix(number: int) -> int:
    """64 well-stirred bits of an integer (splitmix64); the same on every machine and Python."""
    number = (number + 0x9E3779B97F4A7C15) & MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & MASK
    return number ^ (number >> 31)


def key_of(*parts: object) -> int:
    """A 64-bit key of some words."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def unit(number: int) -> float:
    """A float in [0, 1) from a hash."""
    return (mix(number) >> 11) / 9007199254740992.0


def uuid_of(*parts: object) -> str:
    """A stable identifier in UUID form."""
    digest = hashlib.blake2b("/".join(str(part) for part in parts).encode(), digest_size=16).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-a{digest[17:20]}-{digest[20:]}"


@lru_cache(maxsize=65536)
def lattice(key: int, step: int) -> float:
    """The noise's value in [-1, 1) at one lattice point: `2 * unit(...) - 1`, written out for speed."""
    number = ((key ^ (step * 0xD1342543DE82EF95 & MASK)) + 0x9E3779B97F4A7C15) & MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & MASK
    return ((number ^ (number >> 31)) >> 11) / 4503599627370496.0 - 1


def smooth_noise(key: int, at: float, period: float) -> float:
    """Value noise in [-1, 1): smooth within a period, unrelated beyond it."""
    place = at / period
    step = math.floor(place)
    part = place - step
    part = part * part * (3 - 2 * part)
    left = lattice(key, step)
    return left + (lattice(key, step + 1) - left) * part


def normal_cdf(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))
