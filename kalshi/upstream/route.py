"""The way to the exchange: which proxy and which certificates, from variables that other programs know too.

requests would take a proxy that it cannot use, and say so only when a request fails. Pure but for a look whether a file
of certificates is there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from requests.utils import should_bypass_proxies

from kalshi.errors import ConfigError
from kalshi.upstream.hosts import is_loopback

PROXIES = ("HTTPS_PROXY", "ALL_PROXY")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
VARIABLES = (*PROXIES, "NO_PROXY", *BUNDLES)


@dataclass(frozen=True, slots=True)
class Route:
    """`proxy`: its address, with the password. `shown`: its host, port and variable, for sentences. Empty: none.

    `ca_bundle`: file or folder of certificates instead of those that come with requests.
    """

    proxy: str = field(default="", repr=False)
    shown: str = ""
    ca_bundle: str | None = None


def choose(base_url: str, environ: Mapping[str, str]) -> Route:
    """Never a proxy to loopback. Raises ConfigError, which names the variable and shows no password."""
    parts = urlsplit(base_url)
    if parts.scheme == "http":  # this machine itself
        return Route()
    bundles = ((name, _value(environ, name)) for name in BUNDLES)
    bundle = next((checked_bundle(path, variable=name) for name, path in bundles if path), None)
    found = [(name, text) for name in PROXIES if (text := _value(environ, name))]
    bypassed = is_loopback(parts.hostname or "") or should_bypass_proxies(
        base_url, no_proxy=_value(environ, "NO_PROXY")
    )
    if not found or bypassed:
        return Route(ca_bundle=bundle)
    name, text = found[0]
    proxy = checked_proxy(text, variable=name)
    return Route(proxy, f"{urlsplit(proxy).netloc.rpartition('@')[2]} ({name})", bundle)


def _value(environ: Mapping[str, str], name: str) -> str:
    """The spelling in lower case goes first, as everywhere."""
    return environ.get(name.lower(), environ.get(name, "")).strip()


def checked_proxy(text: str, *, variable: str) -> str:
    """The proxy's address with a scheme. Raises ConfigError."""
    allowed = (
        f"{variable} must be the address of an HTTP proxy such as http://USER:PASSWORD@proxy.example:3128"
    )
    scheme, given, rest = text.rpartition("://")
    scheme = scheme.lower() if given else "http"
    if scheme not in {"http", "https"}:
        named = f"; found the scheme {scheme[:20]!r}" if re.fullmatch(r"[a-z0-9+.-]+", scheme) else ""
        raise ConfigError(f"{allowed}{named}; SOCKS is not supported.")
    rest = rest.removesuffix("/")
    user, _, place = rest.rpartition("@")
    if re.search(r"[/?#@\[\]\s]", user) or re.search(r"%(?![0-9A-Fa-f]{2})", user):
        raise ConfigError(
            f"{allowed}; write %23 for #, %2F for /, %3F for ?, %40 for @ and %25 for % in its password."
        )
    if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?", place) or not _port_is_good(
        place
    ):
        raise ConfigError(f"{allowed}; host and port cannot be read.")
    return f"{scheme}://{rest}"


def _port_is_good(place: str) -> bool:
    try:
        return urlsplit(f"//{place}").port != 0
    except ValueError:
        return False


def checked_bundle(path: str, *, variable: str) -> str:
    """Raises ConfigError when there is no such file or folder."""
    if not Path(path).exists():
        raise ConfigError(
            f"{variable} must be a file of certificates, and names one that does not exist; correct it or unset it."
        )
    return path
