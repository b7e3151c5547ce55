"""Balances of the subaccounts, money between them and between shards, netting and target allocation."""

from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.account.transfers import Move
from sandbox.errors import Body, not_found
from sandbox.exchange import View
from sandbox.fixed import dollars, dollars6
from sandbox.handlers.exchange import SHARDS
from sandbox.handlers.portfolio import SHARD_PERCENT, shard_cash, updated_s
from sandbox.paging import page
from sandbox.params import Args
from sandbox.world.numbers import uuid_of

SECOND_US = 1_000_000
TRANSFER_US = 3 * SECOND_US


def get_subaccount_balances(view: View, _args: Args) -> Body:
    """One row for each subaccount and shard."""
    rows = [
        {
            "subaccount_number": trader.subaccount,
            "exchange_index": index,
            "balance": dollars(amount_cc),
            "updated_ts": updated_s(trader),
        }
        for trader in view.traders()
        for index, amount_cc in shard_cash(trader).items()
    ]
    return {"subaccount_balances": rows}


def get_subaccount_netting(view: View, _args: Args) -> Body:
    """A YES and a NO of one market always net here."""
    rows = [
        {"subaccount_number": trader.subaccount, "exchange_index": index, "enabled": True}
        for trader in view.traders()
        for index, _ in SHARDS
    ]
    return {"netting_configs": rows}


def get_subaccount_transfers(view: View, args: Args) -> Body:
    """Newest first; a bound key sees those of its subaccount."""
    moves = sorted(
        (
            move
            for move in view.account.moves
            if move.at_us <= view.now_us and (view.bound is None or view.bound in {move.source, move.target})
        ),
        key=move_key,
    )
    found, cursor = page("moves", moves, move_key, args.text("cursor"), args.integer("limit"))
    return {"transfers": [move_body(move) for move in found], "cursor": cursor}


def move_key(move: Move) -> tuple[int, str]:
    return -move.at_us, move.move_id


def move_body(move: Move) -> Body:
    return {
        "transfer_id": move.move_id,
        "from_subaccount": move.source,
        "to_subaccount": move.target,
        "amount_cents": move.amount_cents,
        "created_ts": move.at_us // SECOND_US,
        "exchange_index": 0,
    }


@dataclass(frozen=True, slots=True)
class Shift:
    """A shard's share of a deposit on its way there, or of a withdrawal on its way back to shard 0."""

    shift_id: str
    source: int
    target: int
    amount_u: int
    at_us: int


def shifts(view: View) -> Iterator[Shift]:
    """Money comes in and goes out on shard 0; the others' shares of it follow at once."""
    for transfer in view.account.transfers:
        if transfer.outcome != "applied" or transfer.final_us > view.now_us:
            continue
        for index, percent in SHARD_PERCENT.items():
            source, target = (0, index) if transfer.is_deposit else (index, 0)
            name = uuid_of("shift", transfer.transfer_id, index)
            yield Shift(name, source, target, transfer.amount_u * percent // 100, transfer.final_us)


def shift_key(shift: Shift) -> tuple[int, str]:
    return -shift.at_us, shift.shift_id


def get_intra_exchange_instance_transfers(view: View, args: Args) -> Body:
    """Newest first."""
    ordered = sorted(shifts(view), key=shift_key)
    found, cursor = page("shifts", ordered, shift_key, args.text("cursor"), args.integer("limit"))
    return {"transfers": [shift_body(view, shift) for shift in found], "cursor": cursor}


def get_intra_exchange_instance_transfer(view: View, args: Args) -> Body:
    wanted = args.path("transfer_id")
    for shift in shifts(view):
        if shift.shift_id == wanted:
            return {"transfer": shift_body(view, shift)}
    raise not_found()


def shift_body(view: View, shift: Shift) -> Body:
    return {
        "transfer_id": shift.shift_id,
        "source": "event_contract",
        "destination": "event_contract",
        "source_exchange_shard": shift.source,
        "destination_exchange_shard": shift.target,
        "amount": dollars6(shift.amount_u),
        "status": "complete" if shift.at_us + TRANSFER_US <= view.now_us else "pending",
        "created_ts": shift.at_us // SECOND_US,
    }


def get_target_balance_allocation(_view: View, _args: Args) -> Body:
    """The split that the balances keep."""
    percents = {0: 100 - sum(SHARD_PERCENT.values()), **SHARD_PERCENT}
    return {
        "allocations": [{"exchange_index": index, "percent": percent} for index, percent in percents.items()],
        "resting_margin_reservation": "none",
    }
