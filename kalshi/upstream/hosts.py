"""Where Kalshi lives, and which addresses may be called instead. Pure."""

import ipaddress
import re
from urllib.parse import urlsplit

from kalshi.errors import ConfigError

REST_PATH, WS_PATH = "/trade-api/v2", "/trade-api/ws/v2"
REST_BASE = {
    "prod": f"https://external-api.kalshi.com{REST_PATH}",
    "demo": f"https://external-api.demo.kalshi.co{REST_PATH}",
}
WS_BASE = {
    "prod": f"wss://external-api-ws.kalshi.com{WS_PATH}",
    "demo": f"wss://external-api-ws.demo.kalshi.co{WS_PATH}",
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
    """Scheme and host in lower case, without the scheme's own port and a trailing slash; no path means REST_PATH.

    Raises ConfigError, never repeating a password in the URL.
    """
    return _checked(url, variable, "https", "http", REST_PATH)


def checked_ws_url(url: str, *, variable: str = "KALSHI_WS_URL") -> str:
    """The same for the WebSocket address, with WS_PATH."""
    return _checked(url, variable, "wss", "ws", WS_PATH)


def _checked(url: str, variable: str, secure: str, insecure: str, path: str) -> str:
    example = (REST_BASE if path == REST_PATH else WS_BASE)["prod"]
    allowed = (
        f"{variable} must be a {secure}:// address such as {example}; {insecure}:// is for loopback only"
    )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
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
    if environment_of(url) and "api" not in host:
        raise ConfigError(f"{allowed}; {host[:100]!r} is no host of Kalshi's API.")
    own_port = {secure: 443, insecure: 80}[parts.scheme]
    place = f"[{host}]" if ":" in host else host
    root = f"{parts.scheme}://{place}" + ("" if port in {None, own_port} else f":{port}")
    return root + _checked_path(
        parts.path, path, f"{allowed}; found the path {parts.path[:60]!r}: write {root}"
    )


def _checked_path(found: str, path: str, sentence: str) -> str:
    """sentence: what to raise, but for the path that is meant."""
    given = found.rstrip("/")
    if not given:
        return path
    if not re.fullmatch(rf"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*{path}", given):
        raise ConfigError(f"{sentence}{path}.")
    return given
