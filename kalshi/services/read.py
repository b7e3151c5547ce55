"""Read one upstream operation through the cache: the way every caller, HTTP or Python, gets data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import connections

from kalshi import conf, place
from kalshi.cache.policy import Policy
from kalshi.cache.readthrough import Answer
from kalshi.errors import EndpointOff, NoCredentials
from kalshi.models import Account
from kalshi.request_id import REQUEST_ID
from kalshi.services import engine, subaccounts
from kalshi.upstream.params import Call

# Retries share one total with the first attempt; a second more lets a fetch that ends just then still count.
SPARE_S = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer, its cache key, the endpoint settings under which it was given, the engine that gave it, and as whom
    Kalshi was asked (`identity_of`).
    """

    key: str
    answer: Answer
    options: conf.EndpointOptions
    engine: engine.Engine
    identity: str


def identity_of(running: engine.Engine, account: Account | None) -> str:
    """As whom Kalshi is asked: environment, host, account, key, subaccount, and whether anything can be signed.

    Whatever is remembered of what a caller may see is remembered for this, not for the account: the same account
    shows something else when it gets another key, or is bound to a subaccount.
    """
    number = "" if account is None or account.subaccount is None else account.subaccount
    return f"{running.scope.account_name}:{number}:{'signs' if running.can_sign else ''}"


def read(
    call: Call, *, account: Account | None = None, caller: str = "", forced: bool = False, mark: str = ""
) -> Reading:
    """Answer from the cache, else from Kalshi, else with a stale copy.

    account: whose data; a row as it stands in the database now, which the caller may see; None: the default account.
    caller: whose share of seats and threads it takes (kalshi.services.access.caller_name); "": of nobody's.
    forced: ask Kalshi even when the copy is fresh. mark: copies made under another mark do not count.
    Raises the tree of kalshi.errors; blocks at most the upstream deadline, or the endpoint's patience when a stale copy
    exists.
    """
    options = conf.current().endpoints[call.endpoint.operation]
    if not options.enabled:
        raise EndpointOff(
            f"The endpoint {call.endpoint.name or call.endpoint.operation} is switched off in its settings."
        )
    running = engine.of(account)
    call = subaccounts.within(call, account)
    if call.endpoint.signed and not running.can_sign:
        raise NoCredentials(running.no_key or "No Kalshi credentials are configured on the server.")
    request_id = REQUEST_ID.get()

    def load() -> tuple[int, bytes]:
        fetched = running.client.fetch(call, request_id=request_id, caller=caller)
        running.limits.learn_soon()
        return fetched.status, fetched.body

    # No parameter can have this name.
    named = replace(call, params=(*call.params, ("@", mark))) if mark else call
    key = engine.key_of(running, named)
    running.last_keys[call.endpoint.operation] = key
    answer = running.cache.read(
        key,
        Policy(options.fresh_s, options.keep_s, options.patience_s),
        load,
        pool=call.endpoint.operation,
        lane=running.lane,
        caller=caller,
        wait_s=running.setup.timeout_s + SPARE_S,
        forced=forced,
        before_wait=step_aside,
    )
    return Reading(key, answer, options, running, identity_of(running, account))


def step_aside() -> None:
    """Give back what a thread needs to work on a request, and not to wait: its place and its database connections."""
    place.step_aside()
    release_database()


def release_database() -> None:
    """Give the caller's database connections back; waiting for Kalshi may take seconds."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
