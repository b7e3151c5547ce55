"""The objects that one process shares for reading Kalshi, built once from the configuration.

    credentials -> client (signs, retries) -> gate (budget, breaker)
    store -> read-through cache

Building sends nothing. Raises ConfigError when the credentials are unusable.
"""

from __future__ import annotations

import json
import logging
import os
import threading
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
    budget: Budget
    breaker: Breaker
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


def build(setup: conf.Setup, part: float) -> Engine:
    """`part`: the fraction of our share of the budget that this process may use, 0 to 1."""
    credentials = load_credentials(setup)
    can_sign = credentials is not None or setup.request_function is not None
    identity = credentials.fingerprint if credentials else _function_identity(setup)
    budget = Budget(share=setup.rate_share, process_share=part, max_per_minute=setup.max_per_minute)
    breaker = Breaker()
    client = Client(
        _transport(setup),
        credentials,
        LimitGate(budget, breaker),
        ExchangeClock(),
        timeout_s=setup.timeout_s,
    )
    store = open_store(caches[setup.cache_alias])
    return Engine(
        setup=setup,
        credentials=credentials,
        scope=Scope(setup.environment, setup.host, "default", identity),
        budget=budget,
        breaker=breaker,
        client=client,
        store=store,
        cache=ReadThrough(store),
        limits=AccountLimits(client, budget, can_sign=can_sign),
        can_sign=can_sign,
    )


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

    def get(self) -> Engine:
        engine = self._engine
        # Threads and connections do not survive a fork.
        if engine is not None and self._pid == os.getpid():
            return engine
        with self._lock:
            if self._engine is None or self._pid != os.getpid():
                self._engine, self._pid = build(conf.setup(), self.part), os.getpid()
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
    """Build the engine of a server process, which has the larger part of the budget."""
    _holder.close()
    _holder.part = SERVER_PART
    return current()


def let_go() -> None:
    """The process is about to stop: start no more fetches, and send everybody away who waits for one."""
    current().cache.close()


def close() -> None:
    """Let waiting callers go and forget the engine; the next call builds a new one."""
    _holder.close()


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"KALSHI", "CACHES"}:
        close()


setting_changed.connect(_on_setting_changed)
