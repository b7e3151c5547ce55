"""Where Kalshi lives, and which addresses may be called instead. Pure."""

import ipaddress
from urllib.parse import urlsplit

from kalshi.errors import ConfigError

REST_BASE = {
    "prod": "https://external-api.kalshi.com/trade-api/v2",
    "demo": "https://external-api.demo.kalshi.co/trade-api/v2",
}
WS_BASE = {
    "prod": "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    "demo": "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
}
_DOMAINS = {"kalshi.com": "prod", "demo.kalshi.co": "demo", "demo-api.kalshi.co": "demo"}


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def environment_of(url: str) -> str | None:
    """Whose host an address names, "prod" or "demo"; None for any other host."""
    host = (urlsplit(url).hostname or "").lower()
    return next(
        (name for domain, name in _DOMAINS.items() if host == domain or host.endswith("." + domain)), None
    )


def checked_base_url(url: str, *, variable: str = "KALSHI_BASE_URL") -> str:
    """The base URL without a trailing slash. Raises ConfigError, never repeating a password in the URL."""
    return _checked(url, variable, "https", "http", REST_BASE["prod"])


def checked_ws_url(url: str, *, variable: str = "KALSHI_WS_URL") -> str:
    """The same for the WebSocket address."""
    return _checked(url, variable, "wss", "ws", WS_BASE["prod"])


def _checked(url: str, variable: str, secure: str, insecure: str, example: str) -> str:
    allowed = (
        f"{variable} must be a {secure}:// address such as {example}; {insecure}:// is for loopback only"
    )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{allowed}; the value cannot be read as an address.") from None
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigError(f"{allowed}; the value has characters that no address can have.")
    if parts.username is not None or parts.password is not None:
        raise ConfigError(f"{allowed}; take the user name and password out of it.")
    if not host or parts.query or parts.fragment or "?" in url or "#" in url:
        raise ConfigError(f"{allowed}; give scheme, host and path and nothing else.")
    if parts.scheme != secure and not (parts.scheme == insecure and is_loopback(host)):
        raise ConfigError(f"{allowed}; found the scheme {parts.scheme[:20]!r} for {host[:100]!r}.")
    return url.rstrip("/")
