"""One subaccount over time: plans day by day, applies to the ledger what has happened by now."""

import heapq
from collections.abc import Callable
from functools import partial

from sandbox.account.ledger import Ledger
from sandbox.account.orders import Order
from sandbox.account.planner import plan_day
from sandbox.account.style import Style
from sandbox.account.transfers import Move, Transfer
from sandbox.world.days import day_of
from sandbox.world.universe import Universe

Placed = dict[str, list[Order]]


class Trader:
    """Call `advance` before reading; time only moves forward. All of `orders` may lie ahead.

    `placed` collects the orders of all traders by market. Without a style nothing is ever traded.
    """

    def __init__(self, universe: Universe, subaccount: int, style: Style | None, placed: Placed) -> None:
        self.universe = universe
        self.subaccount = subaccount
        self.style = style
        self.placed = placed
        self.ledger = Ledger(subaccount)
        self.orders: list[Order] = []
        self.orders_by_id: dict[str, Order] = {}
        self.settling: set[str] = set()
        self.next_day = universe.first_day
        self.ahead: list[tuple[int, int, str, Callable[[], None]]] = []

    def advance(self, now_us: int) -> None:
        while self.style is not None and self.next_day <= day_of(now_us / 1_000_000):
            self.plan(self.style, self.next_day)
            self.next_day += 1
        while self.ahead and self.ahead[0][0] <= now_us:
            heapq.heappop(self.ahead)[3]()

    def plan(self, style: Style, day: int) -> None:
        for order in plan_day(self.universe, day, style, self.subaccount):
            self.orders.append(order)
            self.orders_by_id[order.order_id] = order
            self.placed.setdefault(order.market.ticker, []).append(order)
            for fill in order.fills:
                self.expect(fill.at_us, 1, fill.fill_id, partial(self.ledger.apply_fill, fill))
            if order.fills and order.market.ticker not in self.settling:
                self.settling.add(order.market.ticker)
                market, at_us = order.market, order.market.timing.settled_s * 1_000_000
                self.expect(at_us, 2, market.ticker, partial(self.ledger.settle, market, at_us))

    def fund(self, transfer: Transfer) -> None:
        self.expect(transfer.final_us, 0, transfer.transfer_id, partial(self.ledger.apply_transfer, transfer))

    def move(self, move: Move) -> None:
        is_in = move.target == self.subaccount
        self.expect(move.at_us, 0, move.move_id, partial(self.ledger.apply_move, move, is_in=is_in))

    def expect(self, at_us: int, rank: int, name: str, action: Callable[[], None]) -> None:
        heapq.heappush(self.ahead, (at_us, rank, name, action))
