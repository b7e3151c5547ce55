"""The official Python client reads every operation, and is refused what nobody may have."""

from __future__ import annotations

from typing import Any

from kalshi_python_sync.models import BookSide, SelfTradePreventionType
from report import NAMES, PLAN, client, late_clock, read, refuse, write


def reads(kalshi: Any, operations: list[dict[str, Any]]) -> None:
    """Its methods have the operations' names, its arguments those of Kalshi's parameters."""
    for operation in operations:
        arguments = {name: typed(value) for name, value in operation["arguments"].items()}
        read(operation["path"], getattr(kalshi, operation["name"])(**arguments))
    page = kalshi.get_fills(limit=60)
    fills = list(page.fills)
    while page.cursor:
        page = kalshi.get_fills(limit=60, cursor=page.cursor)
        fills += page.fills
    read("/portfolio/fills?limit=all", fills)


def typed(value: Any) -> Any:
    """Numbers of the query as numbers, which its models insist on."""
    if isinstance(value, list):
        return [typed(item) for item in value]
    return int(value) if value.isdigit() else value


ORDER = {
    "side": BookSide.BID,
    "count": "1.00",
    "price": "0.05",
    "time_in_force": "good_till_canceled",
    "self_trade_prevention_type": SelfTradePreventionType.TAKER_AT_CROSS,
}


def refusals() -> None:
    kalshi, slow = client(), client("slow")
    refuse("unknown_key", client("unknown").get_balance)
    refuse("wrong_key", client("wrong").get_balance)
    refuse("narrow_key", client("narrow").get_balance)
    refuse("bad_question", lambda: kalshi.get_markets(cursor="x" * 3000))
    refuse("unknown_market", lambda: kalshi.get_market(ticker="KX-NOPE"))
    refuse("unknown_path", kalshi.get_api_keys)
    refuse("write", lambda: kalshi.create_order_v2(ticker=NAMES["ticker"], **ORDER))
    refuse("cancel", lambda: kalshi.cancel_order_v2(order_id=NAMES["order_id"]))
    refuse("too_fast", lambda: [slow.get_exchange_status() for _ in range(10)])
    refuse("rejected_upstream", lambda: kalshi.get_settlements(limit=7))
    late_clock()
    refuse("late_clock", kalshi.get_balance)


if __name__ == "__main__":
    match PLAN["phase"]:
        case "reads":
            reads(client(PLAN["key"]), PLAN["operations"])
        case "refusals":
            refusals()
        case "outage":
            refuse("outage", lambda: client().get_fills(limit=7))
    write()
