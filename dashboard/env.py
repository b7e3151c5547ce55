"""The settings of the product as one table, and the typed readers that turn environment text into values.

A value comes from the process environment, else from the file `KALSHI_ENV_FILE` (default `.env` beside manage.py).
A value that cannot be read raises ImproperlyConfigured with one sentence: the variable, what was found, what is
allowed. Values of variables marked secret are never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from dotenv import dotenv_values

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        if (
            not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?|\.[0-9]{1,9}", text)
            or not low <= float(text) <= high
        ):
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(text)

    return read


def switch(text: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if text.lower() not in words:
        raise ValueError("1 or 0 (also true, false, yes, no, on, off)")
    return words[text.lower()]


def choice(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError("one of " + ", ".join(words))
        return text.lower()

    return read


def upstream_url(*schemes: str) -> Callable[[str], str]:
    """A URL without query or trailing slash; the insecure scheme (the last one) only for loopback."""
    secure, insecure = schemes

    def read(text: str) -> str:
        allowed = f"{secure}://HOST/PATH ({insecure}:// only for 127.0.0.1, localhost and [::1])"
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError(allowed) from None
        good = parts.scheme == secure or (parts.scheme == insecure and host in LOOPBACK)
        if not (good and host) or parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError(allowed)
        return text.rstrip("/")

    return read


def service_url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        allowed = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            raise ValueError(allowed) from None
        if parts.scheme not in schemes:
            raise ValueError(allowed)
        return text

    return read


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def origins(text: str) -> tuple[str, ...]:
    for origin in words(text):
        if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", origin):
            raise ValueError(
                "origins such as https://dash.example.com, with scheme and without path, separated by commas"
            )
    return words(text)


def dotted(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text):
        raise ValueError("a dotted path such as daemon.client.signed_request")
    return text


def text(value: str) -> str:
    return value


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `default` is the value when it is absent or empty; None means not set."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


SETTINGS = (
    Setting("PORT", whole(1, 65535), 8000, "port on which the dashboard listens"),
    Setting("HOST", text, "127.0.0.1", "address on which the dashboard listens"),
    Setting("DATA_DIR", Path, Path("var"), "SQLite file, generated secrets (mode 600), sandbox keys, logs"),
    Setting("KALSHI_ENV_FILE", Path, Path(".env"), "file of settings; the environment goes first"),
    Setting(
        "KALSHI_ENV",
        choice("prod", "demo", "sandbox"),
        None,
        "`prod`, `demo` or `sandbox`; prod with credentials, else sandbox",
    ),
    Setting("KALSHI_API_KEY_ID", text, None, "id of the API key", secret=True),
    Setting("KALSHI_PRIVATE_KEY_PATH", text, None, "path of the private key, a PEM file with mode 600"),
    Setting(
        "KALSHI_PRIVATE_KEY",
        text,
        None,
        "the private key itself: PEM with real newlines, `\\n` escapes, on one line, or base64",
        secret=True,
    ),
    Setting("KALSHI_API_SECRET_FILE", text, None, "alias of `KALSHI_PRIVATE_KEY_PATH`"),
    Setting("KALSHI_ALLOW_OPEN_KEY_FILE", switch, False, "accept a key file that group or others can read"),
    Setting(
        "KALSHI_BASE_URL",
        upstream_url("https", "http"),
        None,
        "upstream REST address, by default that of the environment; http only for loopback",
    ),
    Setting(
        "KALSHI_WS_URL",
        upstream_url("wss", "ws"),
        None,
        "upstream WebSocket address, by default that of the environment; ws only for loopback",
    ),
    Setting(
        "KALSHI_REQUEST_FUNCTION",
        dotted,
        None,
        "dotted path of an existing signed-request function `f(method, path, params)` to use instead of our transport",
    ),
    Setting("KALSHI_RATE_SHARE", number(0.01, 1), 0.9, "part of the account's read budget that we may use"),
    Setting("KALSHI_MAX_PER_MINUTE", whole(1, 1_000_000), None, "extra cap on upstream requests a minute"),
    Setting("KALSHI_TIMEOUT_S", number(1, 120), 15.0, "deadline of one upstream request in seconds"),
    Setting(
        "KALSHI_STATE_DIR",
        Path,
        None,
        "folder of JSON state files of a trading daemon, shown to operators in `status`",
    ),
    Setting(
        "REDIS_URL",
        service_url("redis", "rediss", "unix"),
        None,
        "shared cache; without it everything stays in the process",
        secret=True,
    ),
    Setting(
        "DATABASE_URL",
        service_url("postgres", "postgresql", "sqlite"),
        None,
        "database; SQLite in `DATA_DIR` when absent",
        secret=True,
    ),
    Setting("WORKERS", whole(1, 64), 1, "server processes; more than one needs `REDIS_URL`"),
    Setting(
        "DJANGO_SECRET_KEY", text, None, "signs sessions; generated in `DATA_DIR` when absent", secret=True
    ),
    Setting(
        "DJANGO_ALLOWED_HOSTS",
        words,
        ("127.0.0.1", "localhost", "[::1]"),
        "host names under which the dashboard is reached, separated by commas",
    ),
    Setting(
        "CORS_ALLOWED_ORIGINS",
        origins,
        (),
        "origins of other front ends that may read the API, separated by commas",
    ),
    Setting("DJANGO_DEBUG", switch, False, "Django's debug mode"),
    Setting(
        "TRUSTED_PROXIES",
        words,
        (),
        "addresses whose `X-Forwarded-*` headers are believed, separated by commas",
    ),
    Setting("SANDBOX_PORT", whole(1, 65535), 8001, "port on which the simulated exchange listens"),
)


def load(environ: Mapping[str, str], base: Path) -> dict[str, str]:
    """The environment laid over the settings file, as text. Only names of the table are taken."""
    named = environ.get("KALSHI_ENV_FILE", "").strip()
    path = base / (named or ".env")
    if named and not path.exists():
        raise ImproperlyConfigured(f"KALSHI_ENV_FILE is {named!r}, but there is no such file.")
    try:
        stored = dotenv_values(path, interpolate=False) if path.exists() else {}
    except (OSError, UnicodeDecodeError) as problem:
        raise ImproperlyConfigured(f"The settings file {path} cannot be read: {problem}.") from None
    found = {}
    for setting in SETTINGS:
        value = environ.get(setting.name) or stored.get(setting.name) or ""
        if value.strip():
            found[setting.name] = value
    return found


def parse(found: Mapping[str, str]) -> dict[str, Any]:
    """Every setting of the table by name, as a typed value. Raises ImproperlyConfigured."""
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = found.get(setting.name)
        if raw is None:
            values[setting.name] = setting.default
            continue
        try:
            values[setting.name] = setting.read(raw.strip())
        except ValueError as allowed:
            shown = "a value that is not shown" if setting.secret else repr(raw.strip()[:80])
            raise ImproperlyConfigured(f"{setting.name} is {shown}; allowed: {allowed}.") from None
    return values


def secrets(found: Mapping[str, str]) -> tuple[str, ...]:
    """The values that must never appear in a log line."""
    return tuple(
        found[setting.name].strip() for setting in SETTINGS if setting.secret and setting.name in found
    )
