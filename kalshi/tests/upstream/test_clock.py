import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.upstream.clock import ExchangeClock, server_offset_s

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


def test_a_small_offset_is_ignored_and_a_large_one_is_applied() -> None:
    ours_s = DATE_S + 0.5
    clock = ExchangeClock(lambda: ours_s)
    assert clock.ts_ms() == round(ours_s * 1000)
    ours_s = DATE_S + 2.4
    clock.learn(DATE, 0.0)
    assert clock.offset_s == 0.0
    ours_s = DATE_S + 60.5
    clock.learn(DATE, 0.0)
    assert clock.ts_ms() == round((DATE_S + 0.5) * 1000)


def test_it_forgets_the_offset_when_the_clock_is_set_right() -> None:
    ours_s = DATE_S + 60.5
    clock = ExchangeClock(lambda: ours_s)
    clock.learn(DATE, 0.0)
    ours_s = DATE_S + 0.5
    clock.learn(DATE, 0.0)
    assert clock.offset_s == 0.0


def test_it_can_be_shared_between_threads() -> None:
    clock = ExchangeClock(lambda: DATE_S + 60.5)
    threads = [
        threading.Thread(target=lambda: [clock.learn(DATE, 0.0) for _ in range(200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.offset_s == pytest.approx(-60)


@given(st.text())
def test_no_date_text_makes_it_raise(text: str) -> None:
    server_offset_s({"date": text}, DATE_S, 0.0)
