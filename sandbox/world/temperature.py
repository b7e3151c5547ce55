"""Temperatures of the cities through the day: their highest is what the day's event settles on."""

import math

from sandbox.world.days import DAY_S, code
from sandbox.world.numbers import key_of, unit
from sandbox.world.universe import Universe

DAY_BEGINS_S = 18_000  # midnight in the cities, about
COLDEST_S, HOTTEST_S = 39_600, 72_000


def high(universe: Universe, ticker: str, day: int) -> float | None:
    event = universe.events.get(f"{ticker}-{code(day)}")
    return None if event is None else event.final_value


def low(universe: Universe, ticker: str, day: int) -> float | None:
    """Some degrees below both neighbouring highs."""
    today, before = high(universe, ticker, day), high(universe, ticker, day - 1)
    if today is None or before is None:
        return None
    return min(today, before) - 7 - 9 * unit(key_of(universe.seed, "low", ticker, day))


def temperature(universe: Universe, ticker: str, at_s: int) -> float | None:
    """Degrees Fahrenheit; None where the neighbouring days were never listed."""
    day = (at_s - DAY_BEGINS_S) // DAY_S
    limit = high(universe, ticker, day)
    inside = at_s - day * DAY_S
    if inside < COLDEST_S:
        ends = (
            ((day - 1) * DAY_S + HOTTEST_S, high(universe, ticker, day - 1)),
            (
                day * DAY_S + COLDEST_S,
                low(universe, ticker, day),
            ),
        )
    elif inside < HOTTEST_S:
        ends = (
            (day * DAY_S + COLDEST_S, low(universe, ticker, day)),
            (
                day * DAY_S + HOTTEST_S,
                high(universe, ticker, day),
            ),
        )
    else:
        ends = (
            (day * DAY_S + HOTTEST_S, high(universe, ticker, day)),
            (
                (day + 1) * DAY_S + COLDEST_S,
                low(universe, ticker, day + 1),
            ),
        )
    (first_s, first), (last_s, last) = ends
    if first is None or last is None or limit is None:
        return None
    part = (1 - math.cos(math.pi * (at_s - first_s) / (last_s - first_s))) / 2
    return min(limit, first + (last - first) * part)
