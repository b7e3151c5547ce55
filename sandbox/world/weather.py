"""Daily high temperatures of four cities: six brackets each."""

import math
from random import Random

from sandbox.world.days import DAY_S, code, date_of, words
from sandbox.world.model import INFINITY, Event, Series, Timing
from sandbox.world.numbers import key_of

SOURCE = ("National Weather Service", "https://www.weather.gov/")
CITIES = (
    ("KXHIGHNY", "NYC", 62, 22),
    ("KXHIGHCHI", "Chicago", 58, 26),
    ("KXHIGHMIA", "Miami", 83, 6),
    ("KXHIGHAUS", "Austin", 79, 17),
)
CITY_OF = {"KXHIGHNY": "nyc", "KXHIGHCHI": "chi", "KXHIGHMIA": "mia", "KXHIGHAUS": "aus"}
SERIES = tuple(
    Series(
        ticker,
        f"Highest temperature in {city}",
        "Climate and Weather",
        ("Daily temperature", city),
        "daily",
        SOURCE,
    )
    for ticker, city, _, _ in CITIES
)


def timing(day: int) -> Timing:
    """Lists two days before, closes at local midnight (about 05:00 UTC), paid the next morning."""
    start = day * DAY_S
    return Timing(
        start - 2 * DAY_S + 50_400,
        start - 2 * DAY_S + 54_000,
        start + 104_400,
        start + 140_400,
        start + 144_000,
    )


def events_on(seed: int, day: int) -> list[Event]:
    events = []
    for series, (_, city, mean, swing) in zip(SERIES, CITIES, strict=True):
        ticker = f"{series.ticker}-{code(day)}"
        key = key_of(seed, ticker)
        dice = Random(key)
        season = math.cos((date_of(day).timetuple().tm_yday - 200) / 365 * 2 * math.pi)
        high = round(mean + swing * season + dice.gauss(0, 5))
        event = Event(
            ticker,
            series,
            f"Highest temperature in {city} on {words(day)}?",
            f"On {words(day)}",
            key,
            timing(day),
            high,
            3.2,
            str(high),
            f"If the highest temperature recorded in {city} for {words(day)} is in the strike's range, "
            "then the market resolves to Yes.",
            mutually_exclusive=True,
            strike_s=timing(day).close_s,
        )
        add_brackets(event, high + round(dice.gauss(0, 2.2)) - 4)
        events.append(event)
    return events


def add_brackets(event: Event, base: int) -> None:
    """Whole degrees: one bracket below `base`, four of two degrees, one above."""
    event.add(f"T{base}", f"{base - 1}° or below", -INFINITY, base - 0.5, strike_type="less", cap_strike=base)
    for low in range(base, base + 8, 2):
        event.add(
            f"B{low + 0.5}",
            f"{low}° to {low + 1}°",
            low - 0.5,
            low + 1.5,
            strike_type="between",
            floor_strike=low,
            cap_strike=low + 1,
        )
    top = base + 7
    event.add(f"T{top}", f"{top + 1}° or above", top + 0.5, INFINITY, strike_type="greater", floor_strike=top)
