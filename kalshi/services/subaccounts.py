"""An account that is one subaccount of a Kalshi account: every question is asked for that subaccount alone. Pure."""

from __future__ import annotations

from dataclasses import replace

from kalshi.errors import Forbidden
from kalshi.models import Account
from kalshi.upstream.params import Call

PARAM = "subaccount"


def within(call: Call, account: Account | None) -> Call:
    """The call for the account's subaccount; as it is when the account is not bound to one.

    Raises Forbidden for another subaccount, and for signed operations that cannot be asked for one subaccount: they
    would show the whole account.
    """
    if account is None or account.subaccount is None or not call.endpoint.signed:
        return call
    number = str(account.subaccount)
    if all(param.name != PARAM for param in call.endpoint.query_params):
        raise Forbidden(
            f"The account {account.slug} is one subaccount, and {call.endpoint.operation} would show all of them."
        )
    if any(name == PARAM and value != number for name, value in call.params):
        raise Forbidden(f"The account {account.slug} is the subaccount {number} and shows no other.")
    others = [pair for pair in call.params if pair[0] != PARAM]
    return replace(call, params=tuple(sorted([*others, (PARAM, number)], key=lambda pair: pair[0])))
