"""Under which address a browser opens this installation. Pure.

It is one that DJANGO_ALLOWED_HOSTS has: what is opened under another is refused. HOST alone lets no name in: under
which ones an installation answers is said in one place.
"""

import ipaddress
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host


def base_url(host: str, port: int, allowed_hosts: Sequence[str], *, https_only: bool) -> str:
    """Scheme, host and port for links. host: the one to listen on. With HTTPS the first allowed host that is a name,
    else that one if it is allowed, else the first allowed one that may lead there.

    Raises ImproperlyConfigured when there is none.
    """
    reachable = _reachable(host)
    whole = [name for name in allowed_hosts if not name.startswith(("*", "."))]
    if https_only:
        shown = next(iter(whole), reachable)
    elif validate_host(reachable, allowed_hosts):
        shown = reachable
    else:
        shown = next((name for name in whole if _may_lead_to(host, name)), reachable)
    if not validate_host(shown, allowed_hosts):
        raise ImproperlyConfigured(
            f"HOST is {host!r}, but DJANGO_ALLOWED_HOSTS has only {', '.join(allowed_hosts)}, so every page and link "
            f"would be refused; add {reachable}, or the name that people open, to DJANGO_ALLOWED_HOSTS."
        )
    return f"https://{shown}" if https_only else f"http://{shown}:{port}"


def _reachable(host: str) -> str:
    """As a browser writes it."""
    address = _address(host)
    if address is None:
        return host.lower()
    if address.is_unspecified:  # every interface; none that a browser can open
        return "127.0.0.1"
    return f"[{address.compressed}]" if address.version == 6 else host


def _may_lead_to(host: str, name: str) -> bool:
    """Whether a browser that opens this name may come to who listens on host."""
    at, named = _address(host), _address(name.strip("[]"))
    if at is not None and at.is_unspecified:
        return True
    if name == "localhost":
        return host in {"127.0.0.1", "::1"}
    return named is None or not named.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
