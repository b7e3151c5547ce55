from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.upstream.fields import cents, count, dollars, moment, moment_of_ts, moment_of_ts_ms

UNREADABLE = [
    None,
    "",
    " ",
    "0.1 ",
    "1,000.00",
    "1e3",
    "+1",
    ".5",
    "5.",
    "NaN",
    "Infinity",
    "١",
    "1_0",
    0.1,
    5,
    True,
    [],
    "9" * 40,
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5600", "0.5600"),
        ("-12.340000", "-12.340000"),
        ("0", "0"),
        ("98.0100", "98.0100"),
        ("0.0001", "0.0001"),
    ],
)
def test_dollars_are_as_exact_as_they_were_sent(text: str, expected: str) -> None:
    assert str(dollars(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10.00", "10.00"), ("-3.50", "-3.50"), ("7", "7.00"), ("7.5", "7.50"), ("0.125", "0.125")],
)
def test_counts_have_two_decimals_and_lose_none(text: str, expected: str) -> None:
    assert str(count(text)) == expected


@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
def test_an_unreadable_number_is_unknown_and_never_zero(value: object) -> None:
    assert dollars(value) is None
    assert count(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9801, Decimal("98.01")),
        (-5, Decimal("-0.05")),
        (0, Decimal(0)),
        ("5", None),
        (True, None),
        (1.0, None),
        (10**18 - 1, Decimal("9999999999999999.99")),
        (10**40 + 1, None),
    ],
)
def test_cents_are_whole_numbers_only(value: object, expected: Decimal | None) -> None:
    assert cents(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T12:34:56Z", datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)),
        ("2026-11-20T12:34:56.7Z", datetime(2026, 11, 20, 12, 34, 56, 700_000, tzinfo=UTC)),
        ("2026-11-20T12:34:56.123456789Z", datetime(2026, 11, 20, 12, 34, 56, 123_456, tzinfo=UTC)),
        ("2026-11-20T07:34:56-05:00", datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-11-20 12:34:56Z", None),
        ("2026-11-20T12:34:56", None),
        ("2026-13-20T12:34:56Z", None),
        ("2026-11-20T12:34:56.1234567890Z", None),
        ("2026-11-20T12:34:56Z\n", None),
        ("", None),
        (None, None),
        (1795187045, None),
    ],
)
def test_times_are_aware_utc_and_the_zero_time_is_never(text: object, expected: datetime | None) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize("value", [0, -1, None, True, "1795187045", 1.5, 10**30])
def test_a_timestamp_that_is_no_time_is_unknown(value: object) -> None:
    assert moment_of_ts(value) is None
    assert moment_of_ts_ms(value) is None


def test_seconds_and_milliseconds_are_told_apart_by_name() -> None:
    assert (
        moment_of_ts(1795187045)
        == moment_of_ts_ms(1795187045000)
        == datetime(2026, 11, 20, 15, 4, 5, tzinfo=UTC)
    )


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_every_fixed_point_text_comes_back_as_written(number: Decimal) -> None:
    assert str(dollars(f"{number:f}")) == f"{number:f}"


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda time: time.year > 1))
def test_every_moment_comes_back(time: datetime) -> None:
    assert moment(time.isoformat().replace("+00:00", "Z")) == time


@given(st.text() | st.integers() | st.floats() | st.none())
def test_nothing_makes_it_raise(value: object) -> None:
    for read in (dollars, count, cents, moment, moment_of_ts, moment_of_ts_ms):
        read(value)
