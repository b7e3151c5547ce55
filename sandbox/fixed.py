"""Kalshi's number and time texts, from exact integers.

Units used everywhere in the sandbox: `_cc` centi-cents (0.0001 dollars), `_h` hundredths of a contract, `_u`
micro-dollars (so `price_cc * count_h` is an amount in `_u`), `_s` and `_us` Unix seconds and microseconds.
"""

from datetime import UTC, datetime

DOLLAR_CC = 10_000
DOLLAR_U = 1_000_000
CENT_U = 10_000
ZERO_TIME = "0001-01-01T00:00:00Z"


def dollars(amount_cc: int) -> str:
    """Four decimals, as prices are sent."""
    sign = "-" if amount_cc < 0 else ""
    whole, part = divmod(abs(amount_cc), DOLLAR_CC)
    return f"{sign}{whole}.{part:04d}"


def dollars6(amount_u: int) -> str:
    """Six decimals, as portfolio amounts are sent."""
    sign = "-" if amount_u < 0 else ""
    whole, part = divmod(abs(amount_u), DOLLAR_U)
    return f"{sign}{whole}.{part:06d}"


def count(count_h: int) -> str:
    sign = "-" if count_h < 0 else ""
    whole, part = divmod(abs(count_h), 100)
    return f"{sign}{whole}.{part:02d}"


def cents(amount_u: int) -> int:
    """Whole cents, cut toward zero."""
    return amount_u // CENT_U if amount_u >= 0 else -(-amount_u // CENT_U)


def iso(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_us(at_us: int) -> str:
    """With microseconds, trailing zeros cut as Go does."""
    whole, part = divmod(at_us, 1_000_000)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{part:06d}".rstrip("0").rstrip(".") + "Z"
