"""How each subaccount of each account trades: how often, how much, and with which dice."""

from dataclasses import dataclass

FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Style:
    """`name` is part of every hash, so that two styles never roll the same dice.

    `entries` trades are begun on one day in `every`, a long holding on one in `long_every`, with `ladders` resting
    bids on each such day. `percent` scales the sizes; `odd` is the chance of an order that is not whole, `odd_h` what
    its first parts are beyond whole contracts; `group_limit_h` the contracts an order group may fill.
    """

    name: tuple[str, ...] = ()
    entries: tuple[int, int] = (2, 3)
    every: int = 1
    long_every: int = 5
    ladders: int = 2
    percent: int = 100
    odd: float = 1 / 6
    odd_h: int = 0
    group_limit_h: int = 50_000


@dataclass(frozen=True, slots=True)
class Funding:
    """In cents: the opening deposit, monthly withdrawals; in steps: monthly deposits, and transfers that fail."""

    name: tuple[str, ...]
    opening: int
    deposits: tuple[int, int]
    withdrawals: tuple[int, int]
    failures: tuple[int, int]
    step: int = 1_000


@dataclass(frozen=True, slots=True)
class Holder:
    """One account: how its money comes in, and its subaccounts' styles (None trades nothing).

    `is_fcm` makes it a member of a clearing house, who may ask for the value of its resting orders.
    """

    name: str
    funding: Funding
    styles: dict[int, Style | None]
    is_fcm: bool = False


HOLDERS = (
    Holder(
        FIRST,
        Funding((), 600_000, (20, 60), (1_000, 30_000), (5, 40)),
        {
            0: Style(),
            1: Style(("subaccount", "1"), (1, 1), 3, 9, 1, percent=25, group_limit_h=12_500),
            2: None,
        },
    ),
    Holder(
        SECOND,
        Funding((SECOND,), 48_311_337, (1_611, 4_391), (101_003, 2_400_017), (1_103, 3_001), step=1_013),
        {0: Style((SECOND,), (1, 1), 2, 7, 1, percent=4_000, odd=1, odd_h=37, group_limit_h=2_000_000)},
        is_fcm=True,
    ),
)
