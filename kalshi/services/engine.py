"""The engines of this process: one for each account that is read, built when it is first asked for.

The default account's stands on the settings alone. Those of other accounts stand on their rows: what a row says chooses
the engine, so that a row that changed gets a new one with the next request, and a question that began before goes on
with the one of its own row. What no account needs any more is ended within about a second of the next request, and no
more than MAX_ENGINES are kept.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from django.core.signals import setting_changed
from django.db import DatabaseError

from kalshi import conf
from kalshi.cache.keys import Scope, cache_key
from kalshi.cache.readthrough import MAX_WAITING
from kalshi.errors import ConfigError, NoCredentials
from kalshi.limits.callers import CallerLimits
from kalshi.models import Account
from kalshi.redis_link import RedisLost
from kalshi.services import account_keys, engine_parts
from kalshi.services.engine_parts import OTHER_PART, SERVER_PART, Engine, Observers, Shared
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.params import Call

__all__ = [
    "Engine",
    "Observers",
    "caller_limits",
    "close",
    "current",
    "key_of",
    "let_go",
    "load_credentials",
    "observe",
    "of",
    "serve",
    "shared",
]

log = logging.getLogger("kalshi.engine")

MAX_ENGINES = 64
TRY_AGAIN_S = 1.0
"""An account whose key could not be opened is looked at again after this: the ring may be back."""
REPORT_EVERY_S = 60.0

_Facts = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    """An account's engine."""

    engine: Engine
    built_at: float  # monotonic seconds

    @property
    def is_good(self) -> bool:
        return not self.engine.no_key or time.monotonic() - self.built_at <= TRY_AGAIN_S


def _facts(row: Account) -> _Facts:
    """What an engine depends on, and the keys that it remembers having read last.

    Compared for being equal alone: no clock tells which of two rows is the newer one.
    """
    return (row.uid, row.environment, row.key_id, row.sealed_key, row.subaccount)


class _Holder:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: Shared | None = None
        self._default: Engine | None = None
        self._held: OrderedDict[_Facts, _Held] = OrderedDict()
        self._generation: int | None = None
        self._pid = 0
        self.part = OTHER_PART
        self.observers = Observers()
        self.seats = MAX_WAITING

    def get(self) -> Engine:
        engine = self._default
        # Threads and connections do not survive a fork.
        if engine is not None and self._pid == os.getpid():
            return engine
        with self._lock:
            return self._ready()

    def of(self, row: Account) -> Engine:
        self._tidy()
        facts = _facts(row)
        with self._lock:
            shared = self._ready_shared()
            held = self._held.get(facts)
            if held is None or not held.is_good:
                if held is not None:
                    self._end(held)
                held = self._held[facts] = _Held(_engine_of(shared, row), time.monotonic())
            self._held.move_to_end(facts)
            if len(self._held) > MAX_ENGINES:
                self._end(self._held.popitem(last=False)[1])
            return held.engine

    def shared(self) -> Shared:
        shared = self._shared
        if shared is not None and self._pid == os.getpid():
            return shared
        with self._lock:
            return self._ready_shared()

    def close(self) -> None:
        with self._lock:
            shared, self._shared, self._default = self._shared, None, None
            self._held.clear()
        if shared is not None:
            shared.cache.close()

    def _ready(self) -> Engine:
        shared = self._ready_shared()
        if self._default is None:
            self._default = _default_engine(shared)
        return self._default

    def _ready_shared(self) -> Shared:
        if self._shared is None or self._pid != os.getpid():
            self._shared = Shared(conf.setup(), self.part, self.observers, self.seats)
            self._default, self._pid = None, os.getpid()
            self._held.clear()
        return self._shared

    def _tidy(self) -> None:
        """End the engines of accounts that are gone, switched off or changed; when something did change."""
        generation = conf.current().generation
        if generation == self._generation:
            return
        try:
            needed = {_facts(row) for row in Account.objects.filter(enabled=True)}
        except DatabaseError:
            return  # whoever asks has been let in already; the next one tidies
        with self._lock:
            self._generation = generation
            for facts in self._held.keys() - needed:
                self._end(self._held.pop(facts))

    def _end(self, held: _Held) -> None:
        """Fetches in the air go on; their threads end after them."""
        held.engine.cache.close_lane(held.engine.lane)


def _default_engine(shared: Shared) -> Engine:
    setup = shared.setup
    credentials = account_keys.configured(setup)
    identity = credentials.fingerprint if credentials else engine_parts.function_identity(setup)
    scope = Scope(setup.environment, setup.host, "default", identity)
    return engine_parts.build(shared, setup, credentials, scope=scope)


def _engine_of(shared: Shared, row: Account) -> Engine:
    """An engine without a key when the key cannot be opened: public data can be read with it."""
    setup = account_keys.setup_of(row, shared.setup)
    credentials, no_key = None, ""
    try:
        credentials = account_keys.credentials_of(row, setup)
    except ConfigError as problem:
        _report(problem)
        no_key = f"The account {row.slug} has no key that can be used; the server's log says why."
    return engine_parts.build(
        shared, setup, credentials, scope=account_keys.scope_of(row, setup), lane=str(row.uid), no_key=no_key
    )


def _report(problem: ConfigError) -> None:
    """Log it, with the remedy, which names places that are no caller's business. Once a minute, however many ask."""
    now = time.monotonic()
    if now - _reported.get(problem.message, -REPORT_EVERY_S) >= REPORT_EVERY_S:
        if len(_reported) >= MAX_ENGINES:
            _reported.clear()
        _reported[problem.message] = now
        log.error("%s", problem.message)


_reported: dict[str, float] = {}
_holder = _Holder()


def current() -> Engine:
    """The default account's engine. Raises ConfigError or ImproperlyConfigured."""
    return _holder.get()


def of(account: Account | None) -> Engine:
    """The account's engine; None: the default account's. Raises NoCredentials for a row that cannot be used here, and
    what `current` raises.

    account: a row as it stands in the database now. While a question that reads more than once keeps its row, it gets
    the same key each time. An account whose key cannot be opened gets an engine that cannot sign, and says why in
    `no_key`.
    """
    if account is None or account.from_environment:
        return _holder.get()
    try:
        return _holder.of(account)
    except ConfigError as problem:
        _report(problem)
        raise NoCredentials(
            f"The account {account.slug} cannot be used here; the server's log says why."
        ) from None


def key_of(engine: Engine, call: Call) -> str:
    """The cache key of a call, for the engine's environment, host, account and key."""
    endpoint = call.endpoint
    return cache_key(engine.scope, endpoint.operation, endpoint.signed, call.path, call.params)


def shared() -> Shared:
    """What the engines of this process share. Raises ConfigError or ImproperlyConfigured."""
    return _holder.shared()


def caller_limits() -> CallerLimits:
    """How often each caller may ask, counted with all other processes on the same Redis."""
    return shared().callers


def serve() -> Engine:
    """The engine of a server process, which has the larger part of the budget. Builds none when there is one."""
    if _holder.part == SERVER_PART:
        return current()
    _holder.close()
    _holder.part = SERVER_PART
    _say_when_redis_is_away(current())
    return current()


def _say_when_redis_is_away(engine: Engine) -> None:
    """At the start, before callers come: from then on the link only tells of changes."""
    if engine.store.link is None:
        return
    try:
        engine.store.link.call(lambda redis: redis.ping())
    except RedisLost:
        log.error(  # noqa: TRY400 - the link has logged what happened
            "REDIS_URL is set, but Redis does not answer: this process starts without it, with a cache and a part of "
            "the rate budget of its own, and /readyz says 503 until it is there."
        )


def load_credentials(setup: conf.Setup) -> Credentials | None:
    """The default account's; see account_keys.configured."""
    return account_keys.configured(setup)


def observe(observers: Observers) -> None:
    """Have the engines that are built from now on tell these observers."""
    _holder.observers = observers


def seat(most: int) -> None:
    """Have so many callers at most wait for Kalshi at a time, in the engines that are built from now on."""
    _holder.seats = most


def let_go(grace_s: float) -> None:
    """The process is about to stop: start no more fetches, and after grace_s send everybody away who waits for one."""
    current().cache.close(grace_s)


def close() -> None:
    """Let waiting callers go and forget all engines; the next call builds a new one."""
    _holder.close()


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"KALSHI", "CACHES"}:
        close()


setting_changed.connect(_on_setting_changed)
