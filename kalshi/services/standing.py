"""Where every account's budget and every exchange's breaker stands, without opening a key or building an engine.

For the monitoring system, which asks every few seconds, whether or not an account is in use. What the numbers mean:
an account that this process has not asked for, and of which no other process told through Redis, has the budget of the
lowest tier.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

from kalshi.cache.keys import Scope
from kalshi.errors import ConfigError
from kalshi.limits.breaker import Position
from kalshi.limits.budget import Budget, BudgetSnapshot
from kalshi.limits.shared_budget import SharedBudget
from kalshi.limits.shelf import Shelf
from kalshi.models import Account
from kalshi.redis_link import RedisLost
from kalshi.services import account_keys, engine

MAX_ACCOUNTS = 500
"""Of which budgets are told at once; with Redis each takes two round trips."""


def budgets(accounts: Iterable[Account]) -> dict[str, BudgetSnapshot]:
    """By slug, of the first MAX_ACCOUNTS of the accounts. Left out: one whose exchange is not to be had here.

    Accounts with one key have one budget, which each of them shows.
    """
    shared = engine.shared()
    found: dict[str, BudgetSnapshot] = {}
    for account, scope in _scopes(islice(accounts, MAX_ACCOUNTS)):
        budget = shared.budget(scope)
        if shared.link is not None:
            _hear(budget, Shelf(shared.link, scope.budget_name))
        found[account.slug] = budget.snapshot()
    return found


def _hear(budget: Budget | SharedBudget, shelf: Shelf) -> None:
    """Take over what another process learned of the account's limits."""
    with suppress(RedisLost):
        learned = shelf.get()
        if learned is None or learned.limits is None:
            return
        granted, _ = budget.granted.learn(learned.limits)
        if granted != budget.granted:  # else what is odd in it would be logged each time
            budget.learn_limits(learned.limits)


def breakers() -> dict[tuple[str, str], Position]:
    """(environment, host) -> position, of every exchange that an account which is switched on is read from."""
    shared, default = engine.shared(), engine.current().scope
    scopes = [default, *(scope for _, scope in _scopes(Account.objects.filter(enabled=True)))]
    return {
        (scope.environment, scope.host): shared.host_breaker(scope).snapshot()
        for scope in _one_a_host(scopes)
    }


def left_alone(accounts: Iterable[Account]) -> dict[str, list[str]]:
    """By slug, of the first MAX_ACCOUNTS: the operations that fail by themselves and are not asked now."""
    shared = engine.shared()
    return {
        account.slug: shared.breakers(scope).left_alone()
        for account, scope in _scopes(islice(accounts, MAX_ACCOUNTS))
    }


def _scopes(accounts: Iterable[Account]) -> Iterator[tuple[Account, Scope]]:
    setup = engine.shared().setup
    for account in accounts:
        if account.from_environment:
            yield account, engine.current().scope
            continue
        with suppress(ConfigError):
            yield account, account_keys.scope_of(account, account_keys.setup_of(account, setup))


def _one_a_host(scopes: Iterable[Scope]) -> Iterable[Scope]:
    return {scope.host_name: scope for scope in scopes}.values()
