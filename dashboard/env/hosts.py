"""Hosts and origins as a browser writes them: what it sends is compared with them letter by letter.

What has one obvious meaning is brought into that form; everything else is a ValueError. Pure.
"""

import ipaddress
import re

import idna

_NAME = re.compile(r"(?=.{1,254}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_ORIGIN = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\[\]]*\]|[^\[\]:/?#@\\]+)(?::(?P<port>[0-9]{0,9}))?", re.IGNORECASE
)
# A browser takes a name that ends so for an IPv4 address, in one of its many spellings.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def host(text: str) -> str:
    """In lower case, letters beyond ASCII as punycode, an IPv6 address in its shortest form within brackets."""
    if text.startswith("["):
        return _bracketed(text)
    name = (text if text.isascii() else idna.encode(text, uts46=True).decode("ascii")).lower()
    if not _NAME.fullmatch(name):
        raise ValueError("no host name")
    if _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]):
        return str(ipaddress.IPv4Address(name))
    return name


def _bracketed(text: str) -> str:
    address = ipaddress.IPv6Address(text[1:].removesuffix("]"))
    # Python and browsers spell an IPv4 address within IPv6 differently; no browser sends a zone.
    if not text.endswith("]") or address.ipv4_mapped is not None or address.scope_id is not None:
        raise ValueError("no IPv6 address that a browser sends")
    return f"[{address.compressed}]"


def origin(text: str) -> str:
    """Scheme and host, and the port unless it is the scheme's own."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError("no origin")
    scheme = found["scheme"].lower()
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    if not 1 <= port <= 65535:
        raise ValueError("no port")
    shown = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{host(found['host'])}{shown}"


def served_host(text: str) -> str:
    """As Django compares them: without scheme and port, `.example.com` for every host below, `*` for all."""
    if text == "*":
        return text
    name = host(text.removeprefix("."))
    if "_" in name or name.endswith(".") or (text.startswith(".") and name.startswith("[")):
        raise ValueError("no host that Django takes")
    return f".{name}" if text.startswith(".") else name
