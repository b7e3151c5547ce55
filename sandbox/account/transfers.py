"""Money in and out: an opening deposit, then a monthly rhythm with the odd failure."""

from dataclasses import dataclass
from random import Random

from sandbox.account.style import Funding
from sandbox.fixed import CENT_U
from sandbox.world.days import DAY_S, date_of
from sandbox.world.numbers import key_of, uuid_of

OPENING_MOVES = ((3, 1, 90_000), (5, 2, 35_025))


@dataclass(frozen=True, slots=True)
class Transfer:
    """`outcome` is what it becomes at `final_us`; until then it is pending and moves no money.

    `amount_cents` is what the balance gains or loses; a deposit's fee is paid on top to the card's company.
    """

    transfer_id: str
    is_deposit: bool
    kind: str
    amount_cents: int
    fee_cents: int
    created_us: int
    final_us: int
    outcome: str = "applied"

    @property
    def amount_u(self) -> int:
        return self.amount_cents * CENT_U

    def status(self, now_us: int) -> str:
        return self.outcome if self.final_us <= now_us else "pending"


@dataclass(frozen=True, slots=True)
class Move:
    """Money that went from one subaccount to another of the same account, at once."""

    move_id: str
    source: int
    target: int
    amount_cents: int
    at_us: int

    @property
    def amount_u(self) -> int:
        return self.amount_cents * CENT_U


def moves_on(seed: int, day: int, first_day: int) -> list[Move]:
    """The further subaccounts are filled once; then some goes to the first of them each month, and a little back."""
    dice = Random(key_of(seed, "moves", day))
    at_us = (day * DAY_S + dice.randrange(DAY_S)) * 1_000_000
    wanted = [(0, target, cents) for after, target, cents in OPENING_MOVES if day == first_day + after]
    if date_of(day).day == 8:
        wanted.append((0, 1, dice.randint(4_000, 9_000)))
    if date_of(day).day == 26:
        wanted.append((1, 0, dice.randint(500, 3_000)))
    return [
        Move(uuid_of("move", seed, day, source, target), source, target, cents, at_us)
        for source, target, cents in wanted
    ]


def transfers_on(seed: int, day: int, first_day: int, funding: Funding) -> list[Transfer]:
    when = date_of(day)
    dice = Random(key_of(seed, "transfers", *funding.name, day))
    if day == first_day:
        return [transfer(dice, day, "wire", funding.opening, is_deposit=True, delay_s=5)]
    if when.day == 4:
        kind = dice.choice(("ach", "ach", "debit", "crypto"))
        return [transfer(dice, day, kind, dice.randint(*funding.deposits) * funding.step, is_deposit=True)]
    if when.day == 20:
        return [transfer(dice, day, "ach", dice.randint(*funding.withdrawals), is_deposit=False)]
    if when.day == 11 and when.month % 3 == 0:
        outcome = dice.choice(("failed", "returned"))
        return [
            transfer(
                dice,
                day,
                "ach",
                dice.randint(*funding.failures) * funding.step,
                is_deposit=dice.random() < 0.7,
                outcome=outcome,
            )
        ]
    return []


def transfer(
    dice: Random,
    day: int,
    kind: str,
    amount: int,
    *,
    is_deposit: bool,
    outcome: str = "applied",
    delay_s: int = 0,
) -> Transfer:
    created = (day * DAY_S + (0 if delay_s else dice.randrange(DAY_S))) * 1_000_000
    wait_s = delay_s or {"debit": 40, "crypto": 1_900}.get(kind, 2 * DAY_S + dice.randrange(DAY_S))
    fee = amount // 50 if kind == "debit" else 0
    name = uuid_of("transfer", day, created, dice.random())
    return Transfer(name, is_deposit, kind, amount, fee, created, created + wait_s * 1_000_000, outcome)
