"""Everything the exchange has listed since its opening, found by ticker or in listing order."""

from collections import defaultdict
from datetime import date

from sandbox.world import combos, crypto, economics, sports, weather
from sandbox.world.days import DAY_S, EPOCH, date_of, day_of
from sandbox.world.model import Event, Market, Series
from sandbox.world.tape import Tape

DAILY_HORIZON = 4
LONG_HORIZON = 400
LONG_LIFE_S = 5 * DAY_S
TAPES_KEPT = 6_000
SERIES: tuple[Series, ...] = (
    *weather.SERIES,
    *crypto.SERIES,
    *sports.SERIES,
    *economics.SERIES,
    *combos.SERIES,
)


def opening_day(now_s: float) -> int:
    """The first day of the quarter that lies at least five months back.

    It moves only four times a year, so that a restarted sandbox tells the same past.
    """
    today = date_of(day_of(now_s))
    months = today.year * 12 + today.month - 1 - 5
    first = date(months // 12, months % 12 // 3 * 3 + 1, 1)
    return (first - EPOCH).days


class Universe:
    """Grows by days: `extend` must have covered the present day before questions about it are asked."""

    def __init__(self, seed: int, now_s: float) -> None:
        self.seed = seed
        self.first_day = opening_day(now_s)
        self.series = {series.ticker: series for series in SERIES}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}
        self.by_close: list[Event] = []
        self.closing: dict[int, list[Event]] = defaultdict(list)
        self.long_closing: dict[int, list[Event]] = defaultdict(list)
        self.daily_until = self.long_until = self.first_day
        self.tapes: dict[str, Tape] = {}
        self.extend(day_of(now_s))

    def extend(self, today: int) -> None:
        """List everything that may be visible on `today`."""
        if self.daily_until > today + DAILY_HORIZON:
            return
        new: list[Event] = []
        for day in range(self.daily_until, today + DAILY_HORIZON + 1):
            games = sports.events_on(self.seed, day)
            new += weather.events_on(self.seed, day) + crypto.events_on(self.seed, day) + games
            new += combos.events_on(self.seed, day, games)
        for day in range(self.long_until, today + LONG_HORIZON + 1):
            new += economics.events_on(self.seed, day)
        self.daily_until, self.long_until = today + DAILY_HORIZON + 1, today + LONG_HORIZON + 1
        for event in new:
            self.events[event.ticker] = event
            day = day_of(event.timing.close_s)
            self.closing[day].append(event)
            if event.timing.close_s - event.timing.open_s > LONG_LIFE_S:
                self.long_closing[day].append(event)
            self.markets.update((market.ticker, market) for market in event.markets)
        self.by_close = sorted(self.events.values(), key=listing_order)

    def tape(self, market: Market) -> Tape:
        tape = self.tapes.get(market.ticker)
        if tape is None:
            if len(self.tapes) >= TAPES_KEPT:
                self.tapes.clear()
            tape = self.tapes[market.ticker] = Tape(market)
        return tape


def listing_order(event: Event) -> tuple[int, str]:
    """Latest close first."""
    return -event.timing.close_s, event.ticker
