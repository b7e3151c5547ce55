import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.upstream.clock import ExchangeClock, Timing, server_offset_s, untried_offset_s

DATE = {"date": "Fri, 20 Nov 2026 12:00:00 GMT"}
DATE_S = 1_795_176_000.0


@pytest.mark.parametrize(
    ("received_s", "took_s", "expected"),
    [
        (DATE_S + 0.5, 0.0, 0.0),
        (DATE_S + 30.5, 0.0, -30.0),
        (DATE_S - 59.5, 0.0, 60.0),
        (DATE_S + 1.5, 2.0, 0.0),
    ],
)
def test_the_offset_is_taken_in_the_middle_of_the_call(
    received_s: float, took_s: float, expected: float
) -> None:
    assert server_offset_s(DATE, received_s, took_s) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("headers", "took_s"),
    [
        ({}, 0.0),
        ({"date": ""}, 0.0),
        ({"date": "yesterday"}, 0.0),
        ({"date": "Fri, 99 Nov 2026 12:00:00 GMT"}, 0.0),
        ({"date": "Fri, 20 Nov 99999999 12:00:00 GMT"}, 0.0),
        (DATE | {"age": "3"}, 0.0),
        (DATE, 11.0),
        (DATE, -1.0),
        ({"date": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
    ],
)
def test_an_answer_that_cannot_tell_teaches_nothing(headers: dict[str, str], took_s: float) -> None:
    assert server_offset_s(headers, DATE_S, took_s) is None


@pytest.mark.parametrize(
    ("refused", "told_s", "expected"),
    [
        ([0.0], 60.0, 60.0),
        ([0.0], None, None),
        ([0.0], 1.9, None),
        ([0.0, 60.0], 90.0, None),
        ([60.0], -5.0, -5.0),
        ([60.0], 61.0, 0.0),
        ([60.0], None, 0.0),
        ([60.0, 3600.0], 7200.0, 0.0),
        ([60.0, 3600.0, 0.0], 90.0, None),
    ],
)
def test_the_date_is_tried_first_and_our_own_time_last(
    refused: list[float], told_s: float | None, expected: float | None
) -> None:
    assert untried_offset_s(refused, told_s) == expected


def test_later_questions_begin_with_the_offset_that_was_accepted() -> None:
    clock = ExchangeClock(lambda: DATE_S + 60.5)
    timing = Timing(clock)
    assert timing.correct(clock.told_s(DATE, 0.0))
    assert Timing(clock).offset_s == 0.0
    timing.accepted()
    assert Timing(clock).offset_s == pytest.approx(-60)
    assert clock.ts_ms(clock.offset_s) == round((DATE_S + 0.5) * 1000)


@given(st.text())
def test_no_date_text_makes_it_raise(text: str) -> None:
    server_offset_s({"date": text}, DATE_S, 0.0)
