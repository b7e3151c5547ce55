"""The objects that one process shares for reading Kalshi, built once from the configuration.

    credentials -> client (signs, retries) -> gate (budget, breaker)
    store -> read-through cache

With Redis the store, the turns to fetch, the budget and the breaker are shared by all processes; without, or while it
is lost, each process has its own.

Building sends nothing. Raises ConfigError when the credentials are unusable.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.cache import caches
from django.core.signals import setting_changed

from kalshi import conf
from kalshi.cache.keys import Scope
from kalshi.cache.readthrough import ReadThrough
from kalshi.cache.store import Store, open_store
from kalshi.errors import ConfigError
from kalshi.limits.breaker import Breaker
from kalshi.limits.budget import Budget
from kalshi.limits.gate import LimitGate
from kalshi.limits.shared_breaker import SharedBreaker
from kalshi.limits.shared_budget import SharedBudget
from kalshi.limits.shelf import Shelf
from kalshi.redis_link import RedisLink, link_to
from kalshi.services.account_limits import AccountLimits
from kalshi.upstream import credentials as credential_files
from kalshi.upstream.client import Client
from kalshi.upstream.clock import ExchangeClock
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.transport import FunctionTransport, RequestsTransport, Transport

log = logging.getLogger("kalshi.engine")

# Processes without Redis cannot see each other's use of the account's budget, so they divide it beforehand.
SERVER_PART = 0.75
OTHER_PART = 0.25


@dataclass(frozen=True, slots=True)
class Engine:
    setup: conf.Setup
    credentials: Credentials | None
    scope: Scope
    budget: Budget | SharedBudget
    breaker: Breaker | SharedBreaker
    client: Client
    store: Store
    cache: ReadThrough
    limits: AccountLimits
    can_sign: bool  # whether portfolio operations can be asked for at all
    last_keys: dict[str, str] = field(default_factory=dict)  # operation -> the cache key read last


def load_credentials(setup: conf.Setup) -> Credentials | None:
    """None when nothing is configured. Raises ConfigError for half a credential or an unusable one."""
    if setup.sandbox_keys_dir is not None:
        return _sandbox_credentials(setup.sandbox_keys_dir)
    environ = os.environ if setup.credentials is None else setup.credentials
    return credential_files.load(environ, setup.credentials_home, allow_open=setup.allow_open_key_file)


def _sandbox_credentials(folder: Path) -> Credentials | None:
    """The keys that the simulated exchange of this installation wrote; None before it ran for the first time."""
    try:
        key_id = json.loads((folder / "keys.json").read_text())["rsa"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigError(
            f"{folder / 'keys.json'} is damaged; delete the folder {folder} and start again."
        ) from None
    names = {"KALSHI_API_KEY_ID": key_id, "KALSHI_PRIVATE_KEY_PATH": str(folder / "rsa.pem")}
    return credential_files.load(names, folder, allow_open=False)


@dataclass(frozen=True, slots=True)
class Observers:
    """Told of every read (operation, the answer's kind or the error's code) and of every attempt upstream (operation,
    "ok" or the error's code, seconds). They must be quick and raise nothing.
    """

    on_outcome: Callable[[str, str], None] = lambda operation, kind: None
    on_upstream: Callable[[str, str, float], None] = lambda operation, outcome, latency_s: None


def build(setup: conf.Setup, part: float, observers: Observers = Observers()) -> Engine:
    """`part`: the fraction of our share of the budget that this process may use without Redis, 0 to 1."""
    credentials = load_credentials(setup)
    can_sign = credentials is not None or setup.request_function is not None
    identity = credentials.fingerprint if credentials else _function_identity(setup)
    scope = Scope(setup.environment, setup.host, "default", identity)
    cache = caches[setup.cache_alias]
    link = link_to(cache)
    budget, breaker = _limits(setup, scope, link, part)
    gate = LimitGate(
        budget,
        breaker,
        on_upstream=observers.on_upstream,
        on_limited=lambda: limits.learn_again(),  # noqa: PLW0108 - it needs the client, which needs the gate
    )
    client = Client(_transport(setup), credentials, gate, ExchangeClock(), timeout_s=setup.timeout_s)
    shelf = Shelf(link, scope.account_name) if link else None
    limits = AccountLimits(client, budget, shelf, can_sign=can_sign)
    store = open_store(cache, link)
    return Engine(
        setup=setup,
        credentials=credentials,
        scope=scope,
        budget=budget,
        breaker=breaker,
        client=client,
        store=store,
        cache=ReadThrough(store, on_outcome=observers.on_outcome),
        limits=limits,
        can_sign=can_sign,
    )


def _limits(
    setup: conf.Setup, scope: Scope, link: RedisLink | None, part: float
) -> tuple[Budget | SharedBudget, Breaker | SharedBreaker]:
    if link is None:
        own = Budget(share=setup.rate_share, process_share=part, max_per_minute=setup.max_per_minute)
        return own, Breaker()
    # While Redis is lost: the server's processes share all of it, and a command is soon over.
    alone = 1 / setup.workers if part == SERVER_PART else OTHER_PART
    local = Budget(share=setup.rate_share, process_share=alone, max_per_minute=setup.max_per_minute)
    budget = SharedBudget(
        link,
        scope.account_name,
        scope.public_name,
        local,
        share=setup.rate_share,
        max_per_minute=setup.max_per_minute,
    )
    return budget, SharedBreaker(link, scope.host_name, Breaker())


def _transport(setup: conf.Setup) -> Transport:
    if setup.request_function:
        return FunctionTransport.from_path(setup.request_function)
    return RequestsTransport(setup.base_url)


def _function_identity(setup: conf.Setup) -> str:
    """The request function stands for the key that it signs with, which it does not show us."""
    return credential_files.fingerprint(setup.request_function) if setup.request_function else ""


class _Holder:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._pid = 0
        self.part = OTHER_PART
        self.observers = Observers()

    def get(self) -> Engine:
        engine = self._engine
        # Threads and connections do not survive a fork.
        if engine is not None and self._pid == os.getpid():
            return engine
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                self._engine, self._pid = build(conf.setup(), self.part, self.observers), os.getpid()
            return self._engine

    def close(self) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.cache.close()


_holder = _Holder()


def current() -> Engine:
    """This process's engine. Raises ConfigError or ImproperlyConfigured."""
    return _holder.get()


def serve() -> Engine:
    """The engine of a server process, which has the larger part of the budget. Builds none when there is one."""
    if _holder.part != SERVER_PART:
        _holder.close()
        _holder.part = SERVER_PART
    return current()


def observe(observers: Observers) -> None:
    """Have the engines that are built from now on tell these observers."""
    _holder.observers = observers


def let_go(grace_s: float) -> None:
    """The process is about to stop: start no more fetches, and after grace_s send everybody away who waits for one."""
    current().cache.close(grace_s)


def close() -> None:
    """Let waiting callers go and forget the engine; the next call builds a new one."""
    _holder.close()


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"KALSHI", "CACHES"}:
        close()


setting_changed.connect(_on_setting_changed)
