"""The control routes under /sandbox/: for the machine itself only, and never under a fault."""

import ipaddress
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.account.style import FIRST
from sandbox.errors import Body
from sandbox.exchange import View
from sandbox.faults import FaultError, parse
from sandbox.fixed import count, dollars6
from sandbox.operations import BY_NAME

if TYPE_CHECKING:
    from sandbox.server import Front

ROUTES = {
    "/sandbox/stats": ("GET",),
    "/sandbox/truth": ("GET",),
    "/sandbox/faults": ("GET", "POST", "DELETE"),
}


async def control(front: "Front", request: web.BaseRequest, path: str) -> web.Response:
    if not is_loopback(request.remote):
        return problem(403, "The control routes answer only on the sandbox's own machine.")
    allowed = ROUTES.get(path)
    if allowed is None:
        return problem(404, f"There is no {path}; there are {', '.join(ROUTES)}.")
    if request.method not in allowed:
        return problem(405, f"{path} takes {', '.join(allowed)}.")
    if path == "/sandbox/stats":
        return web.json_response(front.stats.body())
    if path == "/sandbox/truth":
        return asked_truth(front, request.query)
    return await faults(front, request)


async def faults(front: "Front", request: web.BaseRequest) -> web.Response:
    now = time.monotonic()
    if request.method == "DELETE":
        front.faults.set(None)
    elif request.method == "POST":
        try:
            front.faults.set(parse(json.loads(await request.read()), BY_NAME, now))
        except FaultError as error:
            return problem(400, str(error))
        except ValueError:
            return problem(400, 'The body must be a JSON object such as {"mode": "down"}.')
    fault = front.faults.current(now)
    return web.json_response({"fault": fault.body() if fault else None})


def asked_truth(front: "Front", query: Mapping[str, str]) -> web.Response:
    """`account` and `subaccount` choose the books, by default the first account's subaccount 0."""
    name, number = query.get("account", FIRST), query.get("subaccount", "0")
    account = front.exchange.accounts.get(name)
    if account is None:
        return problem(404, f"There is no account {name}; there are {', '.join(front.exchange.accounts)}.")
    if number not in {str(known) for known in account.traders}:
        return problem(404, f"The account {name} has no subaccount {number}.")
    return web.json_response(truth(front.exchange.view(front.clock.now_s(), name), int(number)))


def truth(view: View, subaccount: int = 0) -> Body:
    """The books as they are. Costs and results exclude fees:

    cash = deposits - withdrawals + moved_in - fees + realized_pnl - the sum of the positions' costs, where moved_in is
    what other subaccounts of the account gave, less what they got.
    """
    ledger = view.account.traders[subaccount].ledger
    return {
        "cash_dollars": dollars6(ledger.cash_u),
        "positions": [
            {
                "ticker": position.market.ticker,
                "position_fp": count(position.count_h),
                "cost_dollars": dollars6(position.cost_u),
                "fees_dollars": dollars6(position.fees_u),
                "realized_pnl_dollars": dollars6(position.realized_u),
            }
            for position in ledger.positions.values()
            if position.count_h
        ],
        "fees_dollars": dollars6(ledger.fees_u),
        "realized_pnl_dollars": dollars6(ledger.realized_u),
        "deposits_dollars": dollars6(ledger.deposits_u),
        "withdrawals_dollars": dollars6(ledger.withdrawals_u),
        "moved_in_dollars": dollars6(ledger.moved_u),
    }


def is_loopback(address: str | None) -> bool:
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def problem(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
