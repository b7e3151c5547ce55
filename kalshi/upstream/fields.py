"""Kalshi's texts -> Decimal and datetime. Unknown is None, never 0: an invented number looks like a real one.

Dollars are fixed-point strings, counts too (two decimals); cents are integers. Times are RFC 3339 texts with
0 to 9 fractional digits, or Unix integers. Floats are never read as money. Nothing here raises.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

_FIXED_POINT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_CENT = Decimal("0.01")


def dollars(value: object) -> Decimal | None:
    """A `_dollars` text, exactly as precise as it was sent."""
    if isinstance(value, str) and _FIXED_POINT.fullmatch(value):
        return Decimal(value)
    return None


def count(value: object) -> Decimal | None:
    """An `_fp` text with at least two decimals; more are kept, since rounding would invent a number."""
    number = dollars(value)
    if number is None or _decimals(number) > 2:
        return number
    return number.quantize(_CENT)


def cents(value: object) -> Decimal | None:
    """A whole number of cents, in dollars. None beyond 18 digits, which are no cents."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return Decimal(value).scaleb(-2)
    return None


def moment(value: object) -> datetime | None:
    """An RFC 3339 text as aware UTC, cut to microseconds. Go's zero time (year 1) means never: None."""
    match = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    seconds, fraction, zone = match.groups()
    micros = (fraction or "")[:6].ljust(6, "0")
    try:
        time = datetime.fromisoformat(f"{seconds}.{micros}{'+00:00' if zone == 'Z' else zone}").astimezone(
            UTC
        )
    except (ValueError, OverflowError):
        return None
    return time if time.year > 1 else None


def moment_of_ts(value: object) -> datetime | None:
    """Unix seconds as aware UTC; 0 and below mean never."""
    return _of_ts(value, 1)


def moment_of_ts_ms(value: object) -> datetime | None:
    """Unix milliseconds as aware UTC; 0 and below mean never."""
    return _of_ts(value, 1000)


def _of_ts(value: object, per_second: int) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value / per_second, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
