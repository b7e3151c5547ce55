"""The books: cash and positions after every fill, settlement and transfer, exact to the micro-dollar.

cash = deposits - withdrawals + moved in from other subaccounts - cost of fills - fees + settlement revenue, where a
fill that closes the opposite position is a sale: one YES and one NO together are one dollar. Costs are average costs;
fees are kept apart.
"""

from dataclasses import dataclass

from sandbox.account.orders import Fill
from sandbox.account.transfers import Move, Transfer
from sandbox.fixed import CENT_U, cents
from sandbox.world.model import Market


@dataclass(slots=True)
class Position:
    """`count_h` > 0 is YES, < 0 NO; `cost_u` what the open contracts cost; `realized_u` excludes fees."""

    market: Market
    count_h: int = 0
    cost_u: int = 0
    traded_u: int = 0
    shares_h: int = 0
    realized_u: int = 0
    fees_u: int = 0
    last_us: int = 0
    settled_us: int | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What was held when the market paid out; `revenue_cents` is what the balance gained."""

    market: Market
    at_us: int
    count_h: int
    cost_u: int
    fees_u: int
    revenue_cents: int
    subaccount: int


class Ledger:
    """Entries must be applied in time order."""

    def __init__(self, subaccount: int) -> None:
        self.subaccount = subaccount
        self.cash_u = 0
        self.fees_u = 0
        self.deposits_u = 0
        self.withdrawals_u = 0
        self.moved_u = 0
        self.updated_us = 0
        self.positions: dict[str, Position] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []

    @property
    def realized_u(self) -> int:
        return sum(position.realized_u for position in self.positions.values())

    def apply_fill(self, fill: Fill) -> None:
        position = self.positions.setdefault(fill.market.ticker, Position(fill.market))
        signed = fill.count_h if fill.is_yes else -fill.count_h
        closing_h = min(fill.count_h, abs(position.count_h)) if signed * position.count_h < 0 else 0
        self.close(position, fill, closing_h)
        opening_h = fill.count_h - closing_h
        price = fill.yes_price_cc if fill.is_yes else 10_000 - fill.yes_price_cc
        position.cost_u += price * opening_h
        position.count_h += signed
        position.traded_u += fill.value_u
        position.shares_h += fill.count_h
        position.fees_u += fill.fee_u
        position.last_us = self.updated_us = fill.at_us
        self.cash_u -= price * opening_h + fill.fee_u
        self.fees_u += fill.fee_u
        self.fills.append(fill)

    def close(self, position: Position, fill: Fill, closing_h: int) -> None:
        """Sell `closing_h` of the opposite contracts at their own price."""
        if not closing_h:
            return
        price = 10_000 - fill.yes_price_cc if fill.is_yes else fill.yes_price_cc
        cost = position.cost_u * closing_h // abs(position.count_h)
        position.cost_u -= cost
        position.realized_u += price * closing_h - cost
        self.cash_u += price * closing_h

    def settle(self, market: Market, at_us: int) -> None:
        """Pay out a market in which something may be held."""
        position = self.positions.get(market.ticker)
        if position is None:
            return
        position.settled_us = at_us
        if not position.count_h:
            return
        value_cc = market.settlement_cc if position.count_h > 0 else 10_000 - market.settlement_cc
        revenue = cents(abs(position.count_h) * value_cc)
        self.settlements.append(
            Settlement(
                market, at_us, position.count_h, position.cost_u, position.fees_u, revenue, self.subaccount
            )
        )
        position.realized_u += revenue * CENT_U - position.cost_u
        position.count_h = position.cost_u = 0
        position.last_us = self.updated_us = at_us
        self.cash_u += revenue * CENT_U

    def apply_transfer(self, transfer: Transfer) -> None:
        if transfer.outcome != "applied":
            return
        if transfer.is_deposit:
            self.deposits_u += transfer.amount_u
            self.cash_u += transfer.amount_u
        else:
            self.withdrawals_u += transfer.amount_u
            self.cash_u -= transfer.amount_u
        self.updated_us = transfer.final_us

    def apply_move(self, move: Move, *, is_in: bool) -> None:
        amount = move.amount_u if is_in else -move.amount_u
        self.moved_u += amount
        self.cash_u += amount
        self.updated_us = move.at_us
