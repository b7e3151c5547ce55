"""The whole simulated exchange at one moment: what the handlers read."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.account.account import Account
from sandbox.account.style import FIRST, HOLDERS
from sandbox.account.trader import Placed, Trader
from sandbox.keys import ApiKey
from sandbox.world.book import Book, book_at
from sandbox.world.days import DAY_S, day_of
from sandbox.world.model import Event, Market
from sandbox.world.tape import Trade
from sandbox.world.universe import Universe

ARCHIVE_DAYS = 60
ORDER_ARCHIVE_DAYS = 14
HOUR_US = 3_600_000_000
BODIES_KEPT = 8_000


@dataclass(slots=True)
class Exchange:
    """`placed`: all accounts' orders by market; `finished`: the bodies of markets that can no longer change."""

    seed: int
    universe: Universe
    accounts: dict[str, Account]
    placed: Placed
    tier: str
    keys: Sequence[ApiKey] = ()
    finished: dict[str, dict[str, Any]] = field(default_factory=dict)

    def view(self, now_s: int, account: str = FIRST, bound: int | None = None) -> "View":
        """Advance to a moment (never backwards) and look around as an account, perhaps bound to one subaccount."""
        self.universe.extend(day_of(now_s))
        for holder in self.accounts.values():
            holder.advance(now_s * 1_000_000)
        if len(self.finished) > BODIES_KEPT:
            self.finished.clear()
        return View(self, now_s, self.accounts[account], bound)


def make_exchange(seed: int, start_s: int, tier: str) -> Exchange:
    """Raises nothing; takes about half a second of planning."""
    universe = Universe(seed, start_s)
    placed: Placed = {}
    accounts = {holder.name: Account(universe, holder, placed) for holder in HOLDERS}
    return Exchange(seed, universe, accounts, placed, tier)


@dataclass(frozen=True, slots=True)
class View:
    """`account` matters to signed operations alone; a key may be bound to one of its subaccounts."""

    exchange: Exchange
    now_s: int
    account: Account
    bound: int | None = None

    @property
    def now_us(self) -> int:
        return self.now_s * 1_000_000

    @property
    def universe(self) -> Universe:
        return self.exchange.universe

    def traders(self, subaccount: int | None = None) -> list[Trader]:
        """The books asked for: those of one subaccount, of all (None), or of the one the key is bound to."""
        wanted = subaccount if self.bound is None else self.bound
        traders = self.account.traders
        if wanted is None:
            return list(traders.values())
        return [traders[wanted]] if wanted in traders else []

    @property
    def cutoff_s(self) -> int:
        """Markets settled, trades and fills made before this are in the archive."""
        return (day_of(self.now_s) - ARCHIVE_DAYS) * DAY_S

    @property
    def orders_cutoff_s(self) -> int:
        return (day_of(self.now_s) - ORDER_ARCHIVE_DAYS) * DAY_S

    def listed(self, event: Event) -> bool:
        return event.timing.created_s <= self.now_s

    def archived(self, event: Event) -> bool:
        return event.timing.settled_s < self.cutoff_s

    def market(self, ticker: str) -> Market | None:
        """A listed market, archived or not."""
        market = self.universe.markets.get(ticker)
        return market if market is not None and self.listed(market.event) else None

    def live_market(self, ticker: str) -> Market | None:
        market = self.market(ticker)
        return market if market is not None and not self.archived(market.event) else None

    def event(self, ticker: str) -> Event | None:
        event = self.universe.events.get(ticker)
        return event if event is not None and self.listed(event) else None

    def events(self) -> Iterator[Event]:
        """All listed events, latest close first."""
        return (event for event in self.universe.by_close if self.listed(event))

    def book(self, market: Market, *, best_only: bool = False) -> Book:
        waiting = (order.resting(self.now_us) for order in self.exchange.placed.get(market.ticker, ()))
        own = [order for order in waiting if order is not None]
        return book_at(market, self.now_s, own, levels=1 if best_only and not own else None)

    def volume_h(self, market: Market, at_us: int) -> int:
        """Contracts traded up to a moment, the accounts' own included."""
        return self.universe.tape(market).volume(at_us) + sum(
            trade.count_h for trade in self.own_trades(market, 0, at_us)
        )

    def own_trades(self, market: Market, after_us: int, upto_us: int) -> list[Trade]:
        """The accounts' fills in (after, upto] as the public sees them, oldest first."""
        orders = self.exchange.placed.get(market.ticker, ())
        trades = [
            Trade(
                fill.fill_id,
                market,
                fill.at_us,
                fill.count_h,
                fill.yes_price_cc,
                fill.is_yes == fill.is_taker,
            )
            for order in orders
            for fill in order.fills
            if after_us < fill.at_us <= upto_us
        ]
        return sorted(trades, key=lambda trade: trade.at_us)

    def trades(self, market: Market, after_us: int, upto_us: int) -> list[Trade]:
        """All trades of a market in (after, upto], oldest first."""
        trades = list(self.universe.tape(market).between(after_us, upto_us))
        own = self.own_trades(market, after_us, upto_us)
        return sorted([*trades, *own], key=lambda trade: (trade.at_us, trade.trade_id)) if own else trades

    def last_trade(self, market: Market, at_us: int) -> Trade | None:
        tape = self.universe.tape(market)
        place = tape.index(at_us)
        public = tape.trade(place - 1) if place else None
        own = self.own_trades(market, 0, at_us)
        if own and (public is None or own[-1].at_us > public.at_us):
            return own[-1]
        return public

    def all_trades(self, after_us: int, upto_us: int) -> Iterator[Trade]:
        """Trades of all markets in (after, upto], newest first, made hour by hour as they are asked for."""
        upto_us = min(upto_us, self.now_us)
        while upto_us > after_us:
            start_us = max(after_us, (upto_us - 1) // HOUR_US * HOUR_US)
            found = [
                trade
                for event in self.trading_between(start_us // 1_000_000, upto_us // 1_000_000)
                for market in event.markets
                for trade in self.trades(market, start_us, upto_us)
            ]
            yield from sorted(found, key=trade_order)
            upto_us = start_us

    def trading_between(self, first_s: int, last_s: int) -> Iterator[Event]:
        """Events whose trading overlaps a span."""
        events = self.universe.by_close
        end = bisect_left(events, -first_s + 1, key=lambda event: -event.timing.close_s)
        return (event for event in events[:end] if event.timing.open_s <= last_s)


def trade_order(trade: Trade) -> tuple[int, str]:
    """Newest first."""
    return -trade.at_us, trade.trade_id
