import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.upstream.retry import BACKGROUND, FOREGROUND, attempt_deadline_s, delay_s


@pytest.mark.parametrize(
    ("retries", "elapsed_s", "chance", "expected"),
    [
        (0, 0.0, 0.5, 1.0),
        (1, 1.1, 0.5, 2.0),
        (2, 3.3, 0.5, 4.0),
        (0, 0.0, 0.0, 0.8),
        (0, 0.0, 1.0, 1.2),
        (3, 8.0, 0.5, None),
        (0, 13.5, 0.5, None),
        (2, 10.0, 0.5, 4.0),
        (2, 10.1, 0.5, None),
    ],
)
def test_it_waits_1_2_and_4_seconds_while_the_total_allows(
    retries: int, elapsed_s: float, chance: float, expected: float | None
) -> None:
    assert delay_s(FOREGROUND, retries, elapsed_s, chance) == (
        None if expected is None else pytest.approx(expected)
    )


def test_background_work_has_more_patience() -> None:
    assert delay_s(BACKGROUND, 0, 20.0, 0.5) == 1.0


@pytest.mark.parametrize(
    ("timeout_s", "elapsed_s", "expected"),
    [(15, 0, 15), (15, 6, 9), (5, 6, 5), (15, 14.9, 1), (30, 0, 30), (30, 10, 20)],
)
def test_an_attempt_gets_what_is_left_of_the_total(
    timeout_s: float, elapsed_s: float, expected: float
) -> None:
    assert attempt_deadline_s(FOREGROUND, timeout_s, elapsed_s) == expected


@given(st.integers(0, 5), st.floats(0, 100), st.floats(0, 1, exclude_max=True))
def test_a_retry_never_starts_after_the_total(retries: int, elapsed_s: float, chance: float) -> None:
    wait_s = delay_s(FOREGROUND, retries, elapsed_s, chance)
    assert wait_s is None or elapsed_s + wait_s < FOREGROUND.total_s
