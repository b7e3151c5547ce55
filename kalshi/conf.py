"""The app's configuration: `settings.KALSHI` over defaults, with the admin's endpoint settings on top.

Inner code gets values from here and never reads Django settings or rows itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import DatabaseError

from kalshi.models import EndpointPolicy, PolicyGeneration
from kalshi.upstream.credentials import home
from kalshi.upstream.endpoints import ENDPOINTS

log = logging.getLogger("kalshi.conf")

# Half of the two seconds within which a saved setting must be in force everywhere.
RECHECK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What start-up fixed: `settings.KALSHI`, lower-case. Only ENVIRONMENT and BASE_URL have no default."""

    environment: str
    base_url: str
    ws_url: str = ""
    credentials: Mapping[str, str] | None = field(default=None, repr=False)  # None: the process environment
    credentials_home: Path = field(default_factory=home)
    network: Mapping[str, str] | None = field(default=None, repr=False)  # proxy, certificates; None as above
    sandbox_keys_dir: Path | None = None
    allow_open_key_file: bool = False
    request_function: str | None = None
    # Seals the keys of accounts: Fernet keys, newest first, separated by commas; or a file, made on first need.
    key_ring: str | None = field(default=None, repr=False)
    key_ring_file: Path | None = None
    rate_share: float = 0.9
    max_per_minute: int | None = None
    timeout_s: float = 15.0
    state_dir: Path | None = None
    cache_alias: str = "kalshi"
    workers: int = 1  # server processes, which divide the budget while Redis is lost

    @property
    def host(self) -> str:
        """Host and port of the upstream, as it stands in cache keys."""
        return urlsplit(self.base_url).netloc.lower()


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """The settings of one endpoint in force now. Times in seconds."""

    fresh_s: float
    keep_s: float
    patience_s: float
    enabled: bool


@dataclass(frozen=True, slots=True)
class Options:
    generation: int
    endpoints: Mapping[str, EndpointOptions]


def setup() -> Setup:
    """Raises ImproperlyConfigured for a missing or unknown name in `settings.KALSHI`."""
    given: dict[str, Any] = dict(getattr(settings, "KALSHI", None) or {})
    known = {f.name.upper() for f in fields(Setup)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ImproperlyConfigured(
            f"settings.KALSHI has the unknown name {unknown[0]}; known are {', '.join(sorted(known))}."
        )
    for name in ("ENVIRONMENT", "BASE_URL"):
        if not given.get(name):
            raise ImproperlyConfigured(f"settings.KALSHI needs {name}; see INTEGRATION.md.")
    return Setup(**{name.lower(): value for name, value in given.items()})


class _Current:
    """The last built Options and when it was last compared with the database's generation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._options: Options | None = None
        self._checked_at = 0.0

    def get(self) -> Options:
        options = self._options
        if options is not None and time.monotonic() - self._checked_at < RECHECK_S:
            return options
        with self._lock:
            if self._options is not None and time.monotonic() - self._checked_at < RECHECK_S:
                return self._options
            self._options = self._refreshed(self._options)
            self._checked_at = time.monotonic()
            return self._options

    def forget(self) -> None:
        self._options = None

    @staticmethod
    def _refreshed(old: Options | None) -> Options:
        try:
            generation = PolicyGeneration.current()
            if old is not None and old.generation == generation:
                return old
            return build(generation, {row.operation: row for row in EndpointPolicy.objects.all()})
        except DatabaseError:
            # Reading goes on with what is known; a database that is away must not take the data away too.
            log.warning(
                "the endpoint settings cannot be read; going on with %s",
                "the last ones" if old else "the built-in ones",
            )
            return old or build(0, {})


def build(generation: int, rows: Mapping[str, EndpointPolicy]) -> Options:
    """Lay the rows (by operation) over the endpoint table. Empty fields leave the table's number."""
    endpoints = {}
    for operation, endpoint in ENDPOINTS.items():
        row = rows.get(operation) or EndpointPolicy(operation=operation)
        fresh_s = endpoint.fresh_s if row.fresh_s is None else row.fresh_s
        keep_s = endpoint.keep_s if row.keep_s is None else row.keep_s
        patience_s = endpoint.patience_s if row.patience_s is None else row.patience_s
        # A later built-in fresh time may exceed a keep time chosen earlier.
        endpoints[operation] = EndpointOptions(fresh_s, max(keep_s, fresh_s), patience_s, row.enabled)
    return Options(generation, endpoints)


_current = _Current()


def current() -> Options:
    """The settings in force; a change made anywhere shows here within RECHECK_S."""
    return _current.get()


def forget() -> None:
    """Read everything anew at the next call."""
    _current.forget()


def _on_setting_changed(*, setting: str, **_: object) -> None:
    if setting in {"KALSHI", "DATABASES"}:
        forget()


setting_changed.connect(_on_setting_changed)
