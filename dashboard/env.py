"""The settings of the product as one table, and the readers that turn environment text into values.

A value comes from the process environment, else from the file `KALSHI_ENV_FILE` (default `.env` beside manage.py).
A variable that is set to nothing in the environment counts as absent, and hides the file's.

A value that cannot be read raises ImproperlyConfigured with one sentence: the variable, what was found, what is
allowed. Values of variables marked secret are never repeated.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import parse_stream

from kalshi.accounts.ring import from_text
from kalshi.errors import ConfigError
from kalshi.upstream.hosts import checked_base_url, checked_ws_url

HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
SHOWN_CHARACTERS = 80
SHORTEST_SIGNING_KEY = 32
SWITCH_WORDS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
    ("0", "false", "no", "off"), False
)

# Readers: text without surrounding blanks -> value. They raise ValueError with what is allowed.


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    try:
        expanded = Path(value).expanduser()
    except RuntimeError:  # ~somebody, whom this machine does not know
        raise ValueError("a path; ~ stands for the home folder") from None
    if "\0" in value:
        raise ValueError("a path")
    return expanded


def switch(value: str) -> bool:
    if value.lower() not in SWITCH_WORDS:
        raise ValueError("1 or 0 (also true, false, yes, no, on, off)")
    return SWITCH_WORDS[value.lower()]


def whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        # float() alone would take nan, inf and digits of every script.
        if not re.fullmatch(r"[0-9]{0,9}\.?[0-9]{1,9}", value) or not low <= float(value) <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return read


def choice(*options: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in options:
            raise ValueError("one of " + ", ".join(options))
        return value.lower()

    return read


def signing_key(value: str) -> str:
    # Who guesses it signs in as anybody; the prefix marks those of published examples.
    if len(value) < SHORTEST_SIGNING_KEY or value.startswith("django-insecure-"):
        raise ValueError(
            f"at least {SHORTEST_SIGNING_KEY} random characters that do not begin with django-insecure-; "
            "leave it out to have one generated"
        )
    return value


def key_ring(value: str) -> str:
    try:
        from_text(value, source="KALSHI_KEY_RING")
    except ConfigError:
        raise ValueError(
            "different keys of 44 characters (32 random bytes in URL-safe base64), separated by commas"
        ) from None
    return value


def dotted(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value):
        raise ValueError("a dotted path such as daemon.client.signed_request")
    return value


def listen_address(value: str) -> str:
    if not _is_address(value) and not HOST_NAME.fullmatch(value):
        raise ValueError("an IP address or host name of this machine, such as 127.0.0.1 or 0.0.0.0")
    return value


def service_url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        allowed = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
            _ = parts.port
        except ValueError:
            raise ValueError(allowed) from None
        if parts.scheme not in schemes or "://" not in value:
            raise ValueError(allowed)
        return value

    return read


def database_url(value: str) -> str:
    read = service_url("postgres", "postgresql", "sqlite")
    # Without a name Django would fall back to a database in memory, and lose everything.
    if not urlsplit(read(value)).path.strip("/"):
        raise ValueError("an address such as postgres://USER:PASSWORD@HOST/NAME or sqlite:////PATH")
    return value


def several(good: Callable[[str], bool], allowed: str) -> Callable[[str], tuple[str, ...]]:
    """Values separated by commas, each of them good."""

    def read(value: str) -> tuple[str, ...]:
        words = tuple(word.strip() for word in value.split(",") if word.strip())
        if not words or not all(good(word) for word in words):
            raise ValueError(f"{allowed}, separated by commas")
        return words

    return read


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _is_network(value: str) -> bool:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return True


def _is_served_host(value: str) -> bool:
    """As Django compares them: without scheme and port, `.example.com` for every host below, `*` for all."""
    if value.startswith("["):
        return value.endswith("]") and _is_address(value[1:-1])
    return value == "*" or HOST_NAME.fullmatch(value.removeprefix(".")) is not None


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and value == f"{parts.scheme}://{parts.netloc}"
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `default` is the value when it is absent; None means not set."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


SETTINGS = (
    Setting("PORT", whole(1, 65535), 8000, "port on which the dashboard listens"),
    Setting("HOST", listen_address, "127.0.0.1", "address on which the dashboard listens"),
    Setting("DATA_DIR", path, Path("var"), "SQLite file, generated secrets (mode 600), sandbox keys, logs"),
    Setting("KALSHI_ENV_FILE", path, Path(".env"), "file of settings; the environment goes first"),
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
        checked_base_url,
        None,
        "upstream REST address, by default that of the environment; http only for loopback",
    ),
    Setting(
        "KALSHI_WS_URL",
        checked_ws_url,
        None,
        "upstream WebSocket address, by default that of the environment; ws only for loopback",
    ),
    Setting(
        "KALSHI_REQUEST_FUNCTION",
        dotted,
        None,
        "dotted path of an existing signed-request function `f(method, path, params)` to use instead of our transport",
    ),
    Setting(
        "KALSHI_KEY_RING",
        key_ring,
        None,
        "seals the keys of further accounts: keys of 44 characters, newest first, separated by commas; generated in "
        "`DATA_DIR` when absent",
        secret=True,
    ),
    Setting("KALSHI_RATE_SHARE", number(0.01, 1), 0.9, "part of the account's read budget that we may use"),
    Setting("KALSHI_MAX_PER_MINUTE", whole(1, 1_000_000), None, "extra cap on upstream requests a minute"),
    Setting("KALSHI_TIMEOUT_S", number(1, 120), 15.0, "deadline of one upstream request in seconds"),
    Setting(
        "KALSHI_STATE_DIR",
        path,
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
        database_url,
        None,
        "database; SQLite in `DATA_DIR` when absent",
        secret=True,
    ),
    Setting("WORKERS", whole(1, 64), 1, "server processes; more than one needs `REDIS_URL`"),
    Setting(
        "DJANGO_SECRET_KEY",
        signing_key,
        None,
        "signs sessions, at least 32 characters; generated in `DATA_DIR` when absent",
        secret=True,
    ),
    Setting(
        "DJANGO_ALLOWED_HOSTS",
        several(_is_served_host, "host names such as dash.example.com, without scheme and port"),
        ("127.0.0.1", "localhost", "[::1]"),
        "host names under which the dashboard is reached, separated by commas",
    ),
    Setting(
        "CORS_ALLOWED_ORIGINS",
        several(_is_origin, "origins such as https://dash.example.com, with scheme and without path"),
        (),
        "origins of other front ends that may read the API, separated by commas",
    ),
    Setting(
        "DJANGO_HTTPS_ONLY",
        switch,
        False,
        "send plain HTTP on to HTTPS, and mark every cookie `Secure`; needs `TRUSTED_PROXIES`",
    ),
    Setting("DJANGO_DEBUG", switch, False, "Django's debug mode"),
    Setting(
        "TRUSTED_PROXIES",
        several(_is_network, "IP addresses or networks such as 10.0.0.5 or 10.0.0.0/8"),
        (),
        "addresses whose `X-Forwarded-*` headers are believed, separated by commas",
    ),
    Setting("SANDBOX_PORT", whole(1, 65535), 8001, "port on which the simulated exchange listens"),
)


def load(environ: Mapping[str, str], base: Path) -> dict[str, str]:
    """The environment laid over the settings file, as text. Only names of the table are taken."""
    named = environ.get("KALSHI_ENV_FILE", "").strip() or None
    file = _value(next(setting for setting in SETTINGS if setting.name == "KALSHI_ENV_FILE"), named)
    stored = _stored(base / file, named=named is not None)
    found = {}
    for setting in SETTINGS:
        value = environ[setting.name] if setting.name in environ else stored.get(setting.name) or ""
        if value.strip():
            found[setting.name] = value
    return found


def _stored(file: Path, *, named: bool) -> dict[str, str | None]:
    """The settings file's values by name. A missing default file is no error, a missing named one is."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (FileNotFoundError, NotADirectoryError):
        if not named:
            return {}
        raise ImproperlyConfigured(f"KALSHI_ENV_FILE is {str(file)!r}, but there is no such file.") from None
    except OSError as problem:
        raise ImproperlyConfigured(
            f"The settings file {file} cannot be read ({problem.strerror}); name another in KALSHI_ENV_FILE."
        ) from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(
            f"The settings file {file} is no UTF-8 text; save it as UTF-8, or name another in KALSHI_ENV_FILE."
        ) from None
    for binding in bindings:
        if binding.error:
            raise ImproperlyConfigured(
                f"Line {binding.original.line} of the settings file {file} is not NAME=value; "
                "put a value of several lines into double quotes."
            )
    return {binding.key: binding.value for binding in bindings if binding.key}


def parse(found: Mapping[str, str]) -> dict[str, Any]:
    """Every setting of the table by name, as a typed value. Raises ImproperlyConfigured."""
    return {setting.name: _value(setting, found.get(setting.name)) for setting in SETTINGS}


def _value(setting: Setting, raw: str | None) -> Any:
    if raw is None:
        return setting.default
    value = raw.strip()
    try:
        return setting.read(value)
    except ConfigError as problem:
        raise ImproperlyConfigured(problem.message) from None
    except ValueError as allowed:
        shown = "a value that is not shown" if setting.secret else repr(value[:SHOWN_CHARACTERS])
        raise ImproperlyConfigured(f"{setting.name} is {shown}; allowed: {allowed}.") from None


def secrets(found: Mapping[str, str]) -> tuple[str, ...]:
    """The texts that must never appear in a log line: secret values, and the passwords within addresses."""
    values = [found[setting.name].strip() for setting in SETTINGS if setting.secret and setting.name in found]
    passwords = [password for value in values if (password := _password(value))]
    ring = [key.strip() for key in found.get("KALSHI_KEY_RING", "").split(",") if key.strip()]
    return (*values, *ring, *passwords, *(unquote(password) for password in passwords))


def _password(value: str) -> str | None:
    try:
        return urlsplit(value).password
    except ValueError:
        return None
