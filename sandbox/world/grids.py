"""Price grids: every price a market may quote, and the ranges it announces."""

from dataclasses import dataclass, field

from sandbox.fixed import dollars


@dataclass(frozen=True, eq=False, slots=True)
class Grid:
    """`ranges` are (start, end, step) in centi-cents; `prices` every tick from 0 to 1 dollar, ascending."""

    label: str
    ranges: tuple[tuple[int, int, int], ...]
    prices: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        ticks = [price for start, end, step in self.ranges for price in range(start, end, step)]
        object.__setattr__(self, "prices", (*ticks, self.ranges[-1][1]))

    def body(self) -> list[dict[str, str]]:
        return [
            {"start": dollars(start), "end": dollars(end), "step": dollars(step)}
            for start, end, step in self.ranges
        ]


CENT = Grid("linear_cent", ((0, 10_000, 100),))
TAPERED = Grid("tapered_deci_cent", ((0, 1_000, 10), (1_000, 9_000, 100), (9_000, 10_000, 10)))
FINE_ENDS = Grid(
    "combo_fine_ends",
    ((0, 100, 1), (100, 1_000, 10), (1_000, 9_000, 100), (9_000, 9_900, 10), (9_900, 10_000, 1)),
)
