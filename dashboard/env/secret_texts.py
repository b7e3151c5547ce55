"""What of the settings may never be shown."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from dashboard.env.table import SETTINGS
from kalshi.upstream.route import PROXIES


def secrets(found: Mapping[str, str]) -> tuple[str, ...]:
    """The texts that must never appear in a log line: secret values, and the passwords within addresses."""
    values = [found[setting.name].strip() for setting in SETTINGS if setting.secret and setting.name in found]
    proxies = [f"//{found[name].rpartition('://')[2]}" for name in PROXIES if name in found]
    passwords = [password for value in (*values, *proxies) if (password := _password(value))]
    ring = [key.strip() for key in found.get("KALSHI_KEY_RING", "").split(",") if key.strip()]
    return (*values, *ring, *passwords, *(unquote(password) for password in passwords))


def _password(value: str) -> str | None:
    try:
        return urlsplit(value).password
    except ValueError:
        return None
