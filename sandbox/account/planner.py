"""What a trader does on one day: entries and exits in daily markets, long holdings, a ladder of resting orders.

Each day is planned on its own from the seed, so that the past never depends on when the sandbox was started.
"""

from collections.abc import Iterator
from random import Random

from sandbox.account.execution import Intent, cross, rest
from sandbox.account.orders import Order
from sandbox.account.style import Style
from sandbox.world.days import DAY_S
from sandbox.world.model import Event, Market
from sandbox.world.numbers import key_of
from sandbox.world.prices import base_quote
from sandbox.world.universe import LONG_LIFE_S, Universe

HOUR_S = 3_600
WINNER_SHARE = 0.61
SOON = range(2 * HOUR_S, 40 * HOUR_S)
LATER = range(5 * DAY_S, 36 * DAY_S)


def plan_day(universe: Universe, day: int, style: Style, subaccount: int) -> list[Order]:
    plan = DayPlan(universe, day, style, subaccount)
    active = day % style.every == 0
    for _ in range(plan.dice.randint(*style.entries) if active else 0):
        plan.trade_daily()
    if day % style.long_every == 1:
        plan.hold_long()
    for _ in range(style.ladders if active else 0):
        plan.ladder()
    return plan.orders


class DayPlan:
    """Collects the orders of one day in `orders`."""

    def __init__(self, universe: Universe, day: int, style: Style, subaccount: int) -> None:
        self.universe = universe
        self.day = day
        self.style = style
        self.subaccount = subaccount
        self.dice = Random(key_of(universe.seed, "account", *style.name, day))
        self.orders: list[Order] = []

    def trade_daily(self) -> None:
        """Buy into a market that ends within two days; sometimes patiently, sometimes selling again before."""
        at_s = self.day * DAY_S + self.dice.randrange(DAY_S)
        market = self.pick(at_s, SOON)
        if market is None:
            return
        intent = self.intent(market, self.favour(market), self.size(8, 90), at_s)
        if self.dice.random() < 0.3:
            end_s = min(market.timing.close_s, at_s + self.dice.randrange(6, 30) * HOUR_S)
            order: Order | None = rest(self.dice, intent, near_price(intent), end_s, HOUR_S)
        else:
            order = cross(self.dice, intent)
        self.keep(order)
        if order is not None and self.dice.random() < 0.35:
            self.sell_again(order, at_s + HOUR_S, market.timing.close_s - HOUR_S)

    def hold_long(self) -> None:
        at_s = self.day * DAY_S + self.dice.randrange(DAY_S)
        market = self.pick(at_s, LATER)
        if market is None:
            return
        order = cross(self.dice, self.intent(market, self.favour(market), self.size(40, 160), at_s))
        self.keep(order)
        if order is not None and self.dice.random() < 0.3:
            self.sell_again(order, at_s + 3 * DAY_S, market.timing.close_s - HOUR_S)

    def ladder(self) -> None:
        """A bid some ticks under the market, left for a few days."""
        at_s = self.day * DAY_S + self.dice.randrange(DAY_S)
        market = self.pick(at_s, LATER)
        if market is None:
            return
        intent = self.intent(market, self.dice.random() < 0.6, self.size(20, 120), at_s, grouped=True)
        price = step_back(intent, self.dice.randint(8, 20))
        end_s = min(market.timing.close_s, at_s + self.dice.randrange(96, 150) * HOUR_S)
        self.keep(rest(self.dice, intent, price, end_s, 8 * HOUR_S))

    def sell_again(self, order: Order, first_s: int, last_s: int) -> None:
        """Close what the order has bought by some moment in between, at the market."""
        if first_s >= last_s:
            return
        at_s = self.dice.randrange(first_s, last_s)
        bought_h = order.filled_h(at_s * 1_000_000)
        if bought_h and order.market.tradable(at_s):
            sale = self.intent(order.market, not order.is_yes, bought_h, at_s, is_sell=True)
            self.keep(cross(self.dice, sale))

    def intent(
        self,
        market: Market,
        is_yes: bool,
        count_h: int,
        at_s: int,
        *,
        is_sell: bool = False,
        grouped: bool = False,
    ) -> Intent:
        return Intent(market, is_yes, count_h, at_s, is_sell, self.subaccount, self.style.odd_h, grouped)

    def keep(self, order: Order | None) -> None:
        if order is not None:
            self.orders.append(order)

    def size(self, low: int, high: int) -> int:
        """Hundredths of contracts, around the style's scale; some are not whole."""
        percent = self.style.percent
        whole = self.dice.randint(low * percent // 100, high * percent // 100) * 100
        return whole + (self.dice.randrange(1, 100) if self.dice.random() < self.style.odd else 0)

    def favour(self, market: Market) -> bool:
        """YES or NO; a little better than a coin, so that the account lasts."""
        wins = market.settlement_cc >= 5_000
        return wins if self.dice.random() < WINNER_SHARE else not wins

    def pick(self, at_s: int, closing: range) -> Market | None:
        """A market in play that closes so many seconds later; any event first, then one of its markets."""
        events = list(self.events_closing(at_s, closing))
        self.dice.shuffle(events)
        for event in events:
            found = [market for market in event.markets if in_play(market, at_s)]
            if found:
                return self.dice.choice(found)
        return None

    def events_closing(self, at_s: int, closing: range) -> Iterator[Event]:
        """Only long-lived events are old enough to close in `LATER`, daily ones open two days before."""
        first, last = at_s + closing.start, at_s + closing.stop
        universe = self.universe
        by_day = universe.long_closing if closing.start >= LONG_LIFE_S else universe.closing
        for day in range(first // DAY_S, last // DAY_S + 1):
            for event in by_day.get(day, ()):
                if event.timing.open_s <= at_s and first <= event.timing.close_s < last:
                    yield event


def in_play(market: Market, at_s: int) -> bool:
    """Trading, with both sides quoted and a price that leaves something to win."""
    quote = base_quote(market, at_s)
    return (
        market.tradable(at_s)
        and quote.bid_cc is not None
        and quote.ask_cc is not None
        and quote.bid_cc >= 700
        and quote.ask_cc <= 9_300
    )


def near_price(intent: Intent) -> int:
    """The best price on the own side, to join the queue there; only for markets in play."""
    quote = base_quote(intent.market, intent.at_s)
    price = quote.bid_cc if intent.is_yes else quote.ask_cc
    if price is None:
        raise ValueError(f"{intent.market.ticker} has no quote at {intent.at_s}")
    return price


def step_back(intent: Intent, ticks: int) -> int:
    """A price some ticks further from the market than the best one, still inside the grid."""
    prices = intent.market.event.series.grid.prices
    place = prices.index(near_price(intent)) + (-ticks if intent.is_yes else ticks)
    return prices[min(len(prices) - 2, max(1, place))]
