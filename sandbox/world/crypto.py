"""Daily Bitcoin and Ethereum prices at 5 pm Eastern: a ladder of "above" strikes whose tickers hold a dot."""

import math
from random import Random

from sandbox.world.days import DAY_S, code, words
from sandbox.world.grids import TAPERED
from sandbox.world.model import INFINITY, Event, Series, Timing
from sandbox.world.numbers import key_of, smooth_noise

SOURCE = ("CF Benchmarks", "https://www.cfbenchmarks.com/")
COINS = (("KXBTCD", "Bitcoin", 108_000, 1_000, 5), ("KXETHD", "Ethereum", 3_900, 50, 4))
SERIES = tuple(
    Series(
        ticker,
        f"{coin} price daily",
        "Crypto",
        (coin, "Daily"),
        "daily",
        SOURCE,
        exchange_index=2,
        grid=TAPERED,
        trades_per_market=260,
    )
    for ticker, coin, _, _, _ in COINS
)


def events_on(seed: int, day: int) -> list[Event]:
    events = []
    for series, (_, coin, level, step, strikes) in zip(SERIES, COINS, strict=True):
        ticker = f"{series.ticker}-{code(day)}17"
        key = key_of(seed, ticker)
        close = day * DAY_S + 22 * 3600
        price = spot(seed, coin, level, day)
        event = Event(
            ticker,
            series,
            f"{coin} price on {words(day)} at 5pm EST?",
            f"{words(day)} at 5pm EST",
            key,
            Timing(close - 2 * DAY_S - 3600, close - 2 * DAY_S, close, close + 120, close + 180),
            price,
            price * 0.022,
            f"{price:.2f}",
            f"If the price of {coin} at 5 pm EST on {words(day)} is above the strike, then the market resolves to Yes.",
            strike_s=close,
        )
        middle = round((price + Random(key).gauss(0, price * 0.012)) / step) * step
        for place in range(strikes):
            strike = round(middle + (place - strikes // 2) * step - 0.01, 2)
            name = f"${strike + 0.01:,.0f} or above"
            event.add(f"T{strike:.2f}", name, strike, INFINITY, strike_type="greater", floor_strike=strike)
        events.append(event)
    return events


def spot(seed: int, coin: str, level: float, day: int) -> float:
    """The coin's closing price of a day, to the cent."""
    key = key_of(seed, coin)
    drift = (
        0.22 * smooth_noise(key, day, 61)
        + 0.07 * smooth_noise(key + 1, day, 9)
        + 0.02 * smooth_noise(key + 2, day, 1)
    )
    return round(level * math.exp(drift), 2)
