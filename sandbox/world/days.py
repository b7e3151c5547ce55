"""Calendar helpers: days are counted from the Unix epoch, in UTC."""

from datetime import date, timedelta

DAY_S = 86_400
EPOCH = date(1970, 1, 1)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def date_of(day: int) -> date:
    return EPOCH + timedelta(days=day)


def day_of(at_s: float) -> int:
    return int(at_s // DAY_S)


def code(day: int) -> str:
    """`26NOV21`, as in tickers."""
    when = date_of(day)
    return f"{when.year % 100}{MONTHS[when.month - 1]}{when.day:02d}"


def words(day: int) -> str:
    """`Nov 21, 2026`"""
    when = date_of(day)
    return f"{MONTHS[when.month - 1].title()} {when.day}, {when.year}"


def month_before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, 12)
