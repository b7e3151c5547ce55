"""Settlements, deposits and withdrawals."""

from sandbox.account.ledger import Settlement
from sandbox.account.transfers import Transfer
from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.fixed import count, dollars6, iso
from sandbox.handlers.portfolio import matches
from sandbox.paging import page
from sandbox.params import Args

SECOND_US = 1_000_000


def get_settlements(view: View, args: Args) -> Body:
    """Newest first; what is older than the cutoff is nowhere in this form."""
    settlements = sorted(
        (
            settlement
            for trader in view.traders(args.number("subaccount"))
            for settlement in trader.ledger.settlements
            if settlement.at_us >= view.cutoff_s * SECOND_US
            and matches(args, settlement.market, settlement.at_us)
        ),
        key=settlement_key,
    )
    found, cursor = page(
        "settlements", settlements, settlement_key, args.text("cursor"), args.integer("limit")
    )
    return {"settlements": [settlement_body(settlement) for settlement in found], "cursor": cursor}


def settlement_key(settlement: Settlement) -> tuple[int, str, int]:
    return -settlement.at_us, settlement.market.ticker, settlement.subaccount


def settlement_body(settlement: Settlement) -> Body:
    market, held = settlement.market, settlement.count_h
    return {
        "ticker": market.ticker,
        "event_ticker": market.event.ticker,
        "exchange_index": market.event.series.exchange_index,
        "market_result": market.result,
        "yes_count_fp": count(max(held, 0)),
        "yes_total_cost_dollars": dollars6(settlement.cost_u if held > 0 else 0),
        "no_count_fp": count(max(-held, 0)),
        "no_total_cost_dollars": dollars6(settlement.cost_u if held < 0 else 0),
        "revenue": settlement.revenue_cents,
        "settled_time": iso(settlement.at_us // SECOND_US),
        "fee_cost": dollars6(settlement.fees_u),
        "value": market.settlement_cc // 100,
    }


def get_deposits(view: View, args: Args) -> Body:
    return transfers_page(view, args, "deposits", is_deposit=True)


def get_withdrawals(view: View, args: Args) -> Body:
    return transfers_page(view, args, "withdrawals", is_deposit=False)


def transfers_page(view: View, args: Args, name: str, *, is_deposit: bool) -> Body:
    transfers = sorted(
        (
            transfer
            for transfer in view.account.transfers
            if transfer.is_deposit == is_deposit and transfer.created_us <= view.now_us
        ),
        key=transfer_key,
    )
    found, cursor = page(name, transfers, transfer_key, args.text("cursor"), args.integer("limit"))
    return {name: [transfer_body(transfer, view.now_us) for transfer in found], "cursor": cursor}


def transfer_key(transfer: Transfer) -> tuple[int, str]:
    return -transfer.created_us, transfer.transfer_id


def transfer_body(transfer: Transfer, now_us: int) -> Body:
    body: Body = {
        "id": transfer.transfer_id,
        "status": transfer.status(now_us),
        "type": transfer.kind,
        "amount_cents": transfer.amount_cents,
        "fee_cents": transfer.fee_cents,
        "created_ts": transfer.created_us // SECOND_US,
    }
    if transfer.final_us <= now_us:
        body["finalized_ts"] = transfer.final_us // SECOND_US
    return body
