"""Multivariate events: one provisional market each, YES when all its legs are."""

from random import Random

from sandbox.world.days import code, words
from sandbox.world.grids import FINE_ENDS
from sandbox.world.model import Event, Market, Series, Timing
from sandbox.world.numbers import key_of

COLLECTION = "KXMVESPORTSMULTIGAMEEXTENDED"
SERIES = (
    Series(
        COLLECTION,
        "Multi-game combo",
        "Exotics",
        ("Combos",),
        "custom",
        ("The leagues", "https://example.com/"),
        exchange_index=1,
        fee_type="quadratic_with_combo_maker_fees",
        grid=FINE_ENDS,
        trades_per_market=30,
    ),
)
PER_DAY = 3


def events_on(seed: int, day: int, games: list[Event]) -> list[Event]:
    """Combos of this day's games; none on days with fewer than two."""
    dice = Random(key_of(seed, COLLECTION, day))
    winners = [event for event in games if event.mutually_exclusive and not event.tied]
    if len(winners) < 2:
        return []
    return [
        combo(
            seed,
            day,
            number,
            [dice.choice(event.markets) for event in dice.sample(winners, dice.choice((2, 2, 3)))],
        )
        for number in range(PER_DAY)
        if len(winners) >= 3
    ]


def combo(seed: int, day: int, number: int, legs: list[Market]) -> Event:
    key = key_of(seed, COLLECTION, day, number)
    close = max(leg.timing.close_s for leg in legs)
    opened = max(leg.timing.open_s for leg in legs) + 43_200 + key % 40_000
    name = ",".join(f"yes {leg.name}" for leg in legs)
    event = Event(
        f"{COLLECTION}-S20{code(day)[:2]}{key:016X}"[:48],
        SERIES[0],
        name,
        words(day),
        key,
        Timing(opened - 1, opened, close, close + 600, close + 1_200),
        0,
        1,
        "",
        "If every leg of the combo resolves to Yes, then the market resolves to Yes.",
        collection=f"{COLLECTION}-R",
    )
    market = event.add(f"{key & 0xFFFFFFFFFFF:011X}", name, 0, 0, strike_type="custom")
    market.legs = tuple(legs)
    event.value_text = market.result
    return event
