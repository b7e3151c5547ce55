"""One document that tells a front end where everything stands. Starts no fetch but the balance."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from kalshi import conf
from kalshi.cache.keys import cache_key
from kalshi.errors import KalshiError
from kalshi.services import daemon, engine, read
from kalshi.upstream import params
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.upstream.params import Call


def status(*, operator: bool) -> dict[str, Any]:
    """operator: also show the trading daemon's state files. Never raises for what Kalshi does."""
    running = engine.current()
    now = datetime.now(UTC)
    return {
        "environment": running.setup.environment,
        "now": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "account": {"slug": "default", "label": "Default account"},
        "balance": _balance(),
        "endpoints": {e.name: _endpoint(running, e) for e in ENDPOINTS.values() if e.name and e.in_status},
        "exchange": _cached_json(running, ENDPOINTS["get_exchange_status"]),
        "budget": running.budget.snapshot(),
        "breaker": running.breaker.snapshot(),
        "stream": None,
        "daemon": daemon.read_state(running.setup.state_dir)
        if operator and running.setup.state_dir
        else None,
    }


def _default_call(endpoint: Endpoint) -> Call | None:
    """The call that a request without parameters makes; None when the path itself needs one."""
    if "{" in endpoint.path:
        return None
    return params.validate(endpoint, [], {}, api=True)


def _balance() -> Any:
    call = _default_call(ENDPOINTS["get_balance"])
    if call is None:
        return None
    try:
        return json.loads(read.read(call).answer.entry.body)
    except KalshiError:
        return None


def _endpoint(running: engine.Engine, endpoint: Endpoint) -> dict[str, Any]:
    """State of the key that was read last, else of the default call."""
    options = conf.current().endpoints[endpoint.operation]
    call = _default_call(endpoint)
    key = running.last_keys.get(endpoint.operation)
    if key is None and call is not None and (running.can_sign or not endpoint.signed):
        key = cache_key(running.scope, endpoint.operation, endpoint.signed, call.path, call.params)
    entry = running.cache.peek(key) if key else None
    age_s = None if entry is None else max(0.0, entry.age_s(time.time()))
    if not options.enabled:
        state = "off"
    elif age_s is None:
        state = "empty"
    else:
        state = "fresh" if age_s < options.fresh_s else "stale"
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
    entry = running.cache.peek(
        cache_key(running.scope, endpoint.operation, endpoint.signed, call.path, call.params)
    )
    return None if entry is None or entry.status != 200 else json.loads(entry.body)
