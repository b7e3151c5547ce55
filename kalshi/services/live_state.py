"""Where the engine stands now: budget and breaker of each account, Redis, and the server's processes."""

from __future__ import annotations

import time
from typing import Any

from kalshi import conf
from kalshi.errors import KalshiError
from kalshi.models import Account, Grant
from kalshi.services import access, engine, metrics

MAX_ACCOUNTS = 50
"""Accounts told of at once: each needs an engine of its own."""


def live_state(user: Any) -> dict[str, Any]:
    """As JSON. Of the accounts that the person operates; Redis and the processes are everybody's. Sends nothing to
    Kalshi and raises nothing of Redis's.
    """
    held = access.held(user, Grant.Role.OPERATOR).filter(enabled=True).order_by("slug")
    accounts = [_account(account) for account in held[:MAX_ACCOUNTS]]
    link = engine.current().store.link
    processes, tables = metrics.of_all_processes()
    return {
        "now": time.time(),
        "accounts": accounts,
        "more_accounts": max(0, held.count() - len(accounts)),
        "drift": {
            operation: sum(row[:-1]) for (operation, what), row in tables["upstream"] if what == "drift"
        },
        "redis": "none" if link is None else "lost" if link.down else "connected",
        "processes": [
            {name: process[name] for name in ("pid", "started_at", "resident_bytes", "waiting")}
            for process in sorted(processes, key=lambda one: one["pid"])
        ],
    }


def _account(account: Account) -> dict[str, Any]:
    told: dict[str, Any] = {
        "slug": account.slug,
        "label": str(account),
        "environment": conf.setup().environment if account.from_environment else account.environment,
        "host": None,
        "budget": None,
        "breaker": None,
        "left_alone": [],
        "fault": "",
    }
    try:
        running = engine.of(account)
    except KalshiError as problem:
        return told | {"fault": problem.message}
    fault = running.no_key or ("" if running.can_sign else "No credentials: public data only.")
    return told | {
        "host": running.setup.host,
        "budget": running.budget.snapshot(),
        "breaker": running.breakers.host.snapshot(),
        "left_alone": running.breakers.left_alone(),
        "fault": fault,
    }
