"""One document that tells a front end where everything stands. Starts no fetch but the balance."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from kalshi import conf
from kalshi.errors import Forbidden, KalshiError, NoCredentials, UnexpectedPayload
from kalshi.models import Account
from kalshi.services import access, daemon, engine, read, subaccounts
from kalshi.services.access import Choice
from kalshi.upstream import documents, params
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.upstream.params import Call

NAMES = (
    "environment",
    "now",
    "account",
    "accounts",
    "balance",
    "endpoints",
    "exchange",
    "budget",
    "breaker",
    "stream",
    "daemon",
)


def status_for(user: Any, credential: access.Credential = None, slug: str | None = None) -> dict[str, Any]:
    """What a signed-in caller may know, of the account named by its slug, else of the only or default one.

    Raises Forbidden for an account that was named and not granted; nothing for what Kalshi does.
    """
    choices = access.choices(user, credential)
    account = access.unnamed([choice.account for choice in choices])
    if slug is not None:
        account = access.choose(user, credential, slug)
    caller = access.caller_name(user, credential)
    return status(account, choices, operator=access.is_operator(user), caller=caller)


def status(
    account: Account | None, choices: list[Choice], *, operator: bool, caller: str = ""
) -> dict[str, Any]:
    """account: the one to tell about; None: the caller has to choose one first, or may see none. choices: the accounts
    that the caller may see. operator: also show the trading daemon's state files, which belong to the default account.
    caller: as in `read.read`.
    Never raises for what Kalshi does.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    frame: dict[str, Any] = dict.fromkeys(NAMES)
    frame |= {"now": now, "accounts": [choice.document() for choice in choices]}
    if account is None:
        return frame
    frame["account"] = {"slug": account.slug, "label": account.label}
    try:
        running = engine.of(account)
    except NoCredentials:
        return frame
    sees_daemon = operator and account.from_environment and running.setup.state_dir
    return frame | {
        "environment": running.setup.environment,
        "balance": _balance(account, caller),
        "endpoints": {
            e.name: _endpoint(running, e, account) for e in ENDPOINTS.values() if e.name and e.in_status
        },
        "exchange": _cached_json(running, ENDPOINTS["get_exchange_status"]),
        "budget": running.budget.snapshot(),
        "breaker": running.breakers.host.snapshot(),
        "daemon": daemon.read_state(running.setup.state_dir)
        if sees_daemon and running.setup.state_dir
        else None,
    }


def _default_call(endpoint: Endpoint) -> Call | None:
    """The call that a request without parameters makes; None when the path itself needs one."""
    if "{" in endpoint.path:
        return None
    return params.validate(endpoint, [], {}, api=True)


def _balance(account: Account, caller: str) -> Any:
    call = _default_call(ENDPOINTS["get_balance"])
    if call is None:
        return None
    try:
        return documents.read_object(read.read(call, account=account, caller=caller).answer.entry.body)
    except KalshiError:
        return None


def _endpoint(running: engine.Engine, endpoint: Endpoint, account: Account) -> dict[str, Any]:
    """State of the key that was read last, else of the default call."""
    options = conf.current().endpoints[endpoint.operation]
    call = _default_call(endpoint)
    key = running.last_keys.get(endpoint.operation)
    if key is None and call is not None and (running.can_sign or not endpoint.signed):
        with suppress(Forbidden):  # not to be had for a subaccount
            key = engine.key_of(running, subaccounts.within(call, account))
    entry = running.cache.peek(key) if key else None
    age_s = None if entry is None else entry.age_s(time.time())
    if not options.enabled:
        state = "off"
    elif entry is None:
        state = "empty"
    else:
        state = "fresh" if age_s is not None and age_s < options.fresh_s else "stale"
    return {
        "state": state,
        "age_s": None if age_s is None else round(age_s, 1),
        "fresh_s": options.fresh_s,
        "last_error": running.cache.last_error(key) if key else None,
    }


def _cached_json(running: engine.Engine, endpoint: Endpoint) -> Any:
    call = _default_call(endpoint)
    if call is None:
        return None
    entry = running.cache.peek(engine.key_of(running, call))
    if entry is None or entry.status != 200:
        return None
    with suppress(UnexpectedPayload):
        return documents.read_object(entry.body)
    return None
