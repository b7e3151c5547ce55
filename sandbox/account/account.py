"""One account: its subaccounts' traders, and the money that comes in, goes out and moves between them."""

from sandbox.account.orders import Order
from sandbox.account.style import Holder
from sandbox.account.trader import Placed, Trader
from sandbox.account.transfers import Move, Transfer, moves_on, transfers_on
from sandbox.world.days import day_of
from sandbox.world.numbers import uuid_of
from sandbox.world.universe import Universe


class Account:
    """Deposits arrive in subaccount 0. Call `advance` before reading; `transfers` and `moves` may lie ahead."""

    def __init__(self, universe: Universe, holder: Holder, placed: Placed) -> None:
        self.universe = universe
        self.holder = holder
        self.user_id = uuid_of("user", universe.seed, *holder.funding.name)
        self.traders = {
            number: Trader(universe, number, style, placed) for number, style in holder.styles.items()
        }
        self.transfers: list[Transfer] = []
        self.moves: list[Move] = []
        self.next_day = universe.first_day

    @property
    def name(self) -> str:
        return self.holder.name

    def advance(self, now_us: int) -> None:
        while self.next_day <= day_of(now_us / 1_000_000):
            self.plan(self.next_day)
            self.next_day += 1
        for trader in self.traders.values():
            trader.advance(now_us)

    def plan(self, day: int) -> None:
        seed, first_day = self.universe.seed, self.universe.first_day
        for transfer in transfers_on(seed, day, first_day, self.holder.funding):
            self.transfers.append(transfer)
            self.traders[0].fund(transfer)
        if len(self.traders) > 1:
            for move in moves_on(seed, day, first_day):
                self.moves.append(move)
                self.traders[move.source].move(move)
                self.traders[move.target].move(move)

    def group_id(self, order: Order) -> str | None:
        """The order group an order belongs to: one for each subaccount and shard."""
        if not order.grouped:
            return None
        return uuid_of(
            "order group", self.user_id, order.subaccount, order.market.event.series.exchange_index
        )
