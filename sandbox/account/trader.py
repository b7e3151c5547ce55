"""The account over time: plans day by day, applies to the ledger what has happened by now."""

import heapq
from collections import defaultdict
from collections.abc import Callable
from functools import partial

from sandbox.account.ledger import Ledger
from sandbox.account.orders import Order
from sandbox.account.planner import plan_day
from sandbox.account.transfers import Transfer, transfers_on
from sandbox.world.book import Resting
from sandbox.world.days import day_of
from sandbox.world.numbers import uuid_of
from sandbox.world.universe import Universe


class Trader:
    """Call `advance` before reading; time only moves forward. All of `orders` and `transfers` may lie ahead."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.user_id = uuid_of("user", universe.seed)
        self.ledger = Ledger()
        self.orders: list[Order] = []
        self.orders_by_id: dict[str, Order] = {}
        self.orders_by_market: dict[str, list[Order]] = defaultdict(list)
        self.transfers: list[Transfer] = []
        self.settling: set[str] = set()
        self.next_day = universe.first_day
        self.ahead: list[tuple[int, int, str, Callable[[], None]]] = []

    def advance(self, now_us: int) -> None:
        while self.next_day <= day_of(now_us / 1_000_000):
            self.plan(self.next_day)
            self.next_day += 1
        while self.ahead and self.ahead[0][0] <= now_us:
            heapq.heappop(self.ahead)[3]()

    def plan(self, day: int) -> None:
        for transfer in transfers_on(self.universe.seed, day, self.universe.first_day):
            self.transfers.append(transfer)
            self.expect(
                transfer.final_us, 0, transfer.transfer_id, partial(self.ledger.apply_transfer, transfer)
            )
        for order in plan_day(self.universe, day):
            self.orders.append(order)
            self.orders_by_id[order.order_id] = order
            self.orders_by_market[order.market.ticker].append(order)
            for fill in order.fills:
                self.expect(fill.at_us, 1, fill.fill_id, partial(self.ledger.apply_fill, fill))
            if order.fills and order.market.ticker not in self.settling:
                self.settling.add(order.market.ticker)
                market, at_us = order.market, order.market.timing.settled_s * 1_000_000
                self.expect(at_us, 2, market.ticker, partial(self.ledger.settle, market, at_us))

    def expect(self, at_us: int, rank: int, name: str, action: Callable[[], None]) -> None:
        heapq.heappush(self.ahead, (at_us, rank, name, action))

    def resting(self, ticker: str, now_us: int) -> list[Resting]:
        """Own orders waiting in one market."""
        own = (order.resting(now_us) for order in self.orders_by_market.get(ticker, ()))
        return [order for order in own if order is not None]
