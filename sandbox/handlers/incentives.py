"""Incentive programs: rewards for resting orders or volume in some markets while they trade."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.fixed import count, iso
from sandbox.handlers.markets import in_order
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.model import Market
from sandbox.world.numbers import uuid_of

ONE_IN = 12


@dataclass(frozen=True, slots=True)
class Program:
    market: Market
    kind: str

    @property
    def program_id(self) -> str:
        return uuid_of("incentive", self.market.ticker)

    @property
    def description(self) -> str:
        return f"{self.kind.title()} in {self.market.event.series.category}"

    def status(self, now_s: int) -> str:
        timing = self.market.timing
        if now_s < timing.open_s:
            return "upcoming"
        if now_s < timing.close_s:
            return "active"
        return "closed" if now_s < timing.settled_s else "paid_out"


def programs(view: View) -> Iterator[Program]:
    """Latest end first."""
    for event in view.events():
        if event.collection is None and event.key % ONE_IN == 0:
            for market in in_order(event):
                yield Program(market, "liquidity" if event.key % (2 * ONE_IN) else "volume")


def program_key(program: Program) -> tuple[int, str, str]:
    market = program.market
    return -market.timing.close_s, market.event.ticker, market.ticker


def get_incentive_programs(view: View, args: Args) -> Body:
    """The response calls its cursor `next_cursor`."""
    status, kind, description = args.text("status"), args.text("type"), args.text("incentive_description")
    wanted = (
        program
        for program in programs(view)
        if status in {"all", program.status(view.now_s)}
        and kind in {"all", program.kind}
        and description in {None, program.description}
    )
    found, cursor = page("incentives", wanted, program_key, args.text("cursor"), args.integer("limit"))
    return {
        "incentive_programs": [program_body(program, view.now_s) for program in found],
        "next_cursor": cursor,
    }


def program_body(program: Program, now_s: int) -> Body:
    market = program.market
    body: Body = {
        "id": program.program_id,
        "market_id": uuid_of("market", market.ticker),
        "market_ticker": market.ticker,
        "incentive_type": program.kind,
        "incentive_description": program.description,
        "start_date": iso(market.timing.open_s),
        "end_date": iso(market.timing.close_s),
        "period_reward": (20 + market.key % 80) * 10_000,
        "paid_out": program.status(now_s) == "paid_out",
        "max_reward_per_account": 100_000,
    }
    if program.kind == "liquidity":
        body |= {"discount_factor_bps": 5_000, "target_size_fp": count(30_000)}
    return body
