"""Addresses of services, `scheme://USER:PASSWORD@HOST:PORT/NAME?option=value`, taken apart in one place. Pure.

The libraries behind them ignore what they cannot use, or fail long after start-up. No sentence shows a user name, a
password, or what may be a part of one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from dashboard.env.readers import Refused

Options = Mapping[str, Callable[[str], Any]]
"""The readers of the options that may stand behind the ?, by name."""

_ENCODED = "user name and password with %23 for #, %2F for /, %3F for ?, %40 for @, %25 for %, %5B for [ and %5D for ]"
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(?P<port>.*))?")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Address:
    """`text`: the whole, its scheme in lower case. `path` is as written, `options` are decoded."""

    text: str
    scheme: str
    host: str
    path: str
    options: Mapping[str, str]


def taken_apart(value: str, *schemes: str) -> Address:
    """Raises ValueError, whose words are what is allowed."""
    allowed = "an address that begins with " + " or ".join(f"{scheme}://" for scheme in schemes)
    scheme, found, rest = value.partition("://")
    if not found:
        raise ValueError(allowed)
    if scheme.lower() not in schemes:
        word = re.fullmatch(r"[A-Za-z0-9+.-]{1,20}", scheme)
        raise Refused(f"has the scheme {scheme!r}", allowed) if word else ValueError(allowed)
    if not rest.isprintable() or " " in rest:
        raise Refused("has a blank or a character that cannot be printed", "%20 for a blank")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, place = authority.rpartition("@")
    if "#" in rest or "@" in rest[len(authority) :] or "@" in user or re.search(r"[\[\]]", user):
        raise Refused("has characters that must be percent-encoded", _ENCODED)
    if _BAD_PERCENT.search(rest):
        raise Refused("has a % that begins no percent-encoding", _ENCODED)
    path, _, query = rest[len(authority) :].partition("?")
    return Address(f"{scheme.lower()}://{rest}", scheme.lower(), _host(place), path, _options(query))


def _host(place: str) -> str:
    found = _HOST_AND_PORT.fullmatch(place)
    if found is None:
        raise Refused("has no host that can be read", "a name or address, an IPv6 one in brackets")
    port = found["port"]
    # Without an @ this may be a password: it is not shown.
    if port is not None and not (re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= 65535):
        raise Refused("has something else than a port behind its host", "a port from 1 to 65535")
    return found["host"]


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) or not value:
            raise Refused("has something else than options behind its ?", "option=value, joined by &")
        if name in options:
            raise Refused(f"has the option {name!r} twice", "each option once")
        options[name] = unquote_plus(value)
    return options


def check_options(address: Address, known: Options) -> None:
    """Raises Refused for an option without a reader, and for one that its reader does not take."""
    for name, value in address.options.items():
        if name not in known:
            raise Refused(
                f"has the option {name!r}", "the options " + ", ".join(known) if known else "no options"
            )
        try:
            known[name](value)
        except ValueError as allowed:
            raise Refused(f"has {name}={value[:40]!r}", str(allowed)) from None
