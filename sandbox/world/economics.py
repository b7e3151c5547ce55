"""Monthly and quarterly releases, Fed meetings and questions of the year: the markets that live for months."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from sandbox.world.days import DAY_S, MONTHS, date_of, month_before
from sandbox.world.grids import CENT, TAPERED
from sandbox.world.model import INFINITY, Event, Series, Timing
from sandbox.world.numbers import key_of

BLS = ("Bureau of Labor Statistics", "https://www.bls.gov/")
BEA = ("Bureau of Economic Analysis", "https://www.bea.gov/")
FED = ("Federal Reserve", "https://www.federalreserve.gov/")
NEWS = ("The Wall Street Journal", "https://www.wsj.com/")
FED_MONTHS = (1, 3, 4, 6, 7, 9, 10, 12)


@dataclass(frozen=True, slots=True)
class Release:
    """One recurring question: on which days it closes, how long it trades, its usual value and its strikes."""

    series: Series
    question: str
    due: Callable[[int, int], bool]
    life_days: int
    usual: float
    deviation: float
    step: float
    strikes: int
    digits: int
    yearly: bool = False


def monthly(day: int) -> Callable[[int, int], bool]:
    return lambda _month, today: today == day


def new_year(month: int, day: int) -> bool:
    return (month, day) == (1, 2)


def economic(ticker: str, title: str, source: tuple[str, str], frequency: str, tag: str) -> Series:
    category = "Financials" if tag in {"Gas", "Bitcoin"} else "Economics"
    return Series(ticker, title, category, (tag,), frequency, source, grid=TAPERED if tag == "Fed" else CENT)


RELEASES = (
    Release(economic("KXCPIYOY", "Inflation rate, year over year", BLS, "monthly", "Inflation"),
            "Inflation in {period}", monthly(12), 75, 2.8, 0.3, 0.1, 6, 1),
    Release(economic("KXCPICOREYOY", "Core inflation", BLS, "monthly", "Inflation"),
            "Core inflation in {period}", monthly(13), 60, 3.0, 0.25, 0.1, 5, 1),
    Release(economic("KXPAYROLLS", "Jobs numbers", BLS, "monthly", "Jobs"),
            "Jobs added in {period}", monthly(5), 60, 110_000, 60_000, 25_000, 6, 0),
    Release(economic("KXU3", "Unemployment rate", BLS, "monthly", "Jobs"),
            "Unemployment rate in {period}", monthly(6), 60, 4.3, 0.15, 0.1, 5, 1),
    Release(economic("KXFED", "Fed funds rate", FED, "custom", "Fed"),
            "Fed funds rate after the {period} meeting", lambda month, day: month in FED_MONTHS and day == 17,
            150, 3.5, 0.25, 0.25, 6, 2),
    Release(economic("KXGDP", "US GDP growth", BEA, "quarterly", "Growth"),
            "GDP growth reported in {period}", lambda month, day: month in {1, 4, 7, 10} and day == 29,
            110, 2.2, 0.9, 0.5, 6, 1),
    Release(economic("KXAAAGASMAX", "Gas prices this year", NEWS, "annual", "Gas"),
            "Highest US gas price in {period}", new_year, 365, 3.6, 0.35, 0.2, 5, 2, yearly=True),
    Release(economic("KXRECSSNBER", "Recession", BEA, "annual", "Growth"),
            "Recession in {period}", new_year, 365, 0, 1.0, 1.0, 1, 0, yearly=True),
    Release(economic("KXBTCMAXY", "Bitcoin high of the year", NEWS, "annual", "Bitcoin"),
            "Highest Bitcoin price in {period}", new_year, 365, 126_000, 14_000, 10_000, 4, 2, yearly=True),
)  # fmt: skip
SERIES = tuple(release.series for release in RELEASES)


def events_on(seed: int, day: int) -> list[Event]:
    """The events that close on this day."""
    when = date_of(day)
    return [release_event(seed, release, day) for release in RELEASES if release.due(when.month, when.day)]


def release_event(seed: int, release: Release, day: int) -> Event:
    when = date_of(day)
    year, month = month_before(when.year, when.month)
    if release.series.ticker == "KXFED":
        year, month = when.year, when.month
    suffix = f"{year % 100}" if release.yearly else f"{year % 100}{MONTHS[month - 1]}"
    period = str(year) if release.yearly else f"{MONTHS[month - 1].title()} {year}"
    ticker = f"{release.series.ticker}-{suffix}"
    dice = Random(key_of(seed, ticker))
    value = round(dice.gauss(release.usual, release.deviation), release.digits) + 0.0
    close = day * DAY_S + 48_600
    opened = close - release.life_days * DAY_S
    question = release.question.format(period=period)
    event = Event(
        ticker,
        release.series,
        f"{question}?",
        f"In {period}",
        key_of(seed, ticker),
        Timing(opened - DAY_S, opened, close, close + 900, close + 4_500),
        value,
        release.deviation * 1.1,
        f"{value:.{release.digits}f}",
        f"If the value reported for the question '{question}' is above the strike, then the market resolves to Yes.",
        strike_s=close,
        strike_period=period,
    )
    add_strikes(event, release, dice)
    return event


def add_strikes(event: Event, release: Release, dice: Random) -> None:
    if release.strikes == 1:
        event.add("", "Yes", 0.5, INFINITY, strike_type="custom")
        return
    middle = round((release.usual + dice.gauss(0, release.deviation * 0.4)) / release.step) * release.step
    for place in range(release.strikes):
        strike = round(middle + (place - release.strikes // 2) * release.step, release.digits)
        if release.digits == 2 and release.step > 100:
            strike = round(strike - 0.01, 2)
        name = f"Above {strike:,.{release.digits}f}"
        # half a unit above the strike: the reported value is rounded to the same digits
        low = strike + 0.5 * 10**-release.digits
        event.add(
            f"T{strike:.{release.digits}f}", name, low, INFINITY, strike_type="greater", floor_strike=strike
        )
