"""How an engine is put together: what all accounts of a process share, and what each has for itself.

    shared      store -> read-through cache; Redis link; one breaker per host; one budget per API key
    an account  credentials -> client (signs, retries) -> gate (its budget, the breakers of its operations and host)

With Redis the store, the turns to fetch, the budgets and the breakers are shared by all processes; without, or while
it is lost, each process has its own. Building sends nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import caches

from kalshi import conf
from kalshi.byte_lru import ByteLru
from kalshi.cache.keys import Scope
from kalshi.cache.readthrough import MAX_WAITING, ReadThrough
from kalshi.cache.store import Store, open_store
from kalshi.limits.breaker import HOST_REFUSAL, OPERATION_REFUSAL, Breaker
from kalshi.limits.breakers import AnyBreaker, Breakers
from kalshi.limits.budget import Budget
from kalshi.limits.callers import CallerLimits
from kalshi.limits.gate import LimitGate
from kalshi.limits.shared_breaker import SharedBreaker
from kalshi.limits.shared_budget import SharedBudget
from kalshi.limits.shelf import Shelf
from kalshi.redis_link import link_to
from kalshi.services.account_limits import AccountLimits
from kalshi.services.history_cutoff import Furthest
from kalshi.upstream import credentials as credential_files
from kalshi.upstream.client import Client
from kalshi.upstream.clock import ExchangeClock
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.retry import FOREGROUND, LEARNING
from kalshi.upstream.transport import FunctionTransport, RequestsTransport, Transport

DOCUMENTS_BYTES = 64 * 2**20
# Processes without Redis cannot see each other's use of the account's budget, so they divide it beforehand.
SERVER_PART = 0.75
OTHER_PART = 0.25
MAX_ACCOUNTS = 500
"""Of which breakers are kept."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Told of every read (operation, the answer's kind or the error's code) and of every attempt upstream (operation,
    "ok", "drift" or the error's code, seconds). They must be quick and raise nothing.
    """

    on_outcome: Callable[[str, str], None] = lambda operation, kind: None
    on_upstream: Callable[[str, str, float], None] = lambda operation, outcome, latency_s: None


@dataclass(frozen=True, slots=True)
class Engine:
    """What one account is read with. lane: its threads in the cache. no_key: why it cannot sign, if it should."""

    setup: conf.Setup
    credentials: Credentials | None
    scope: Scope
    budget: Budget | SharedBudget
    breakers: Breakers
    client: Client
    store: Store
    cache: ReadThrough
    limits: AccountLimits
    can_sign: bool  # whether portfolio operations can be asked for at all
    lane: str
    no_key: str
    last_keys: dict[str, str] = field(default_factory=dict)  # operation -> the cache key read last


class Shared:
    """What the accounts of this process share. part: the fraction of our share of a budget that this process may use
    without Redis, 0 to 1. seats: how many callers may wait for Kalshi at a time. Raises ConfigError for a
    cache that cannot be used.
    """

    def __init__(
        self, setup: conf.Setup, part: float, observers: Observers, seats: int = MAX_WAITING
    ) -> None:
        cache = caches[setup.cache_alias]
        self.setup = setup
        self.observers = observers
        self.link = link_to(cache)
        self.store = open_store(cache, self.link)
        self.cache = ReadThrough(self.store, max_waiting=seats, on_outcome=observers.on_outcome)
        # What was made of many answers (kalshi.services.history_kept), by names that begin with the account's id.
        self.documents: ByteLru[Any] = ByteLru(
            DOCUMENTS_BYTES, size=lambda kept: kept.size(), owner=lambda name: name.partition(" ")[0]
        )
        self.callers = CallerLimits(self.link, alone=1 / setup.workers)
        self._part = part
        self._lock = threading.Lock()
        self._hosts: dict[str, AnyBreaker] = {}
        self._cutoffs: dict[str, Furthest] = {}
        self._breakers: OrderedDict[str, Breakers] = OrderedDict()
        self._budgets: dict[str, Budget | SharedBudget] = {}

    def host_breaker(self, scope: Scope) -> AnyBreaker:
        """That of the scope's host."""
        with self._lock:
            return self._host_breaker(scope)

    def cutoffs(self, scope: Scope) -> Furthest:
        """How far the cutoff of the scope's host was seen."""
        with self._lock:
            return self._cutoffs.setdefault(scope.host_name, Furthest(scope.host_name, self.link))

    def breakers(self, scope: Scope) -> Breakers:
        """Those of the scope's account; of the MAX_ACCOUNTS that were used last."""
        name = scope.account_name
        with self._lock:
            if name not in self._breakers:
                self._breakers[name] = Breakers(
                    self._host_breaker(scope),
                    lambda operation: self._breaker(f"{name}:{operation}", OPERATION_REFUSAL),
                )
            self._breakers.move_to_end(name)
            if len(self._breakers) > MAX_ACCOUNTS:
                self._breakers.popitem(last=False)
            return self._breakers[name]

    def _host_breaker(self, scope: Scope) -> AnyBreaker:
        if scope.host_name not in self._hosts:
            self._hosts[scope.host_name] = self._breaker(scope.host_name, HOST_REFUSAL)
        return self._hosts[scope.host_name]

    def _breaker(self, name: str, refusal: str) -> AnyBreaker:
        own = Breaker(refusal=refusal)
        return own if self.link is None else SharedBreaker(self.link, name, own)

    def budget(self, scope: Scope) -> Budget | SharedBudget:
        """That of the scope's API key: Kalshi counts by key, whichever of our accounts uses it."""
        with self._lock:
            if scope.budget_name not in self._budgets:
                self._budgets[scope.budget_name] = self._new_budget(scope)
            return self._budgets[scope.budget_name]

    def _new_budget(self, scope: Scope) -> Budget | SharedBudget:
        setup = self.setup
        if self.link is None:
            return Budget(
                share=setup.rate_share, process_share=self._part, max_per_minute=setup.max_per_minute
            )
        # While Redis is lost: the server's processes share all of it, and a command is soon over.
        alone = 1 / setup.workers if self._part == SERVER_PART else OTHER_PART
        local = Budget(share=setup.rate_share, process_share=alone, max_per_minute=setup.max_per_minute)
        return SharedBudget(
            self.link,
            scope.budget_name,
            scope.public_name,
            local,
            share=setup.rate_share,
            max_per_minute=setup.max_per_minute,
        )


def build(
    shared: Shared,
    setup: conf.Setup,
    credentials: Credentials | None,
    *,
    scope: Scope,
    lane: str = "",
    no_key: str = "",
) -> Engine:
    """scope: the account as it stands in cache keys. Raises ConfigError for an address or a request function that
    cannot be used.
    """
    can_sign = credentials is not None or setup.request_function is not None
    budget, breakers = shared.budget(scope), shared.breakers(scope)
    gate = LimitGate(
        budget,
        breakers,
        on_upstream=shared.observers.on_upstream,
        on_limited=lambda: limits.learn_again(),  # noqa: PLW0108 - it needs the client, which needs the gate
    )
    transport, clock = _transport(setup), ExchangeClock()
    client, learner = (
        Client(transport, credentials, gate, clock, timeout_s=setup.timeout_s, foreground=patience)
        for patience in (FOREGROUND, LEARNING)
    )
    shelf = Shelf(shared.link, scope.budget_name) if shared.link else None
    limits = AccountLimits(learner, budget, shelf, can_sign=can_sign)
    return Engine(
        setup=setup,
        credentials=credentials,
        scope=scope,
        budget=budget,
        breakers=breakers,
        client=client,
        store=shared.store,
        cache=shared.cache,
        limits=limits,
        can_sign=can_sign,
        lane=lane,
        no_key=no_key,
    )


def _transport(setup: conf.Setup) -> Transport:
    if setup.request_function:
        return FunctionTransport.from_path(setup.request_function)
    return RequestsTransport(setup.base_url, environ=setup.network)


def function_identity(setup: conf.Setup) -> str:
    """The request function stands for the key that it signs with, which it does not show us."""
    return credential_files.fingerprint(setup.request_function) if setup.request_function else ""
