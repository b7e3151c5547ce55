"""Under which address a browser opens this installation. Pure."""

import ipaddress
from collections.abc import Sequence


def base_url(host: str, port: int, allowed_hosts: Sequence[str], *, https_only: bool) -> str:
    """Scheme, host and port for links. host: the one to listen on. With HTTPS the first allowed host that is a name."""
    reachable = _reachable(host)
    if not https_only:
        return f"http://{reachable}:{port}"
    named = next((name for name in allowed_hosts if not name.startswith(("*", "."))), reachable)
    return f"https://{named}"


def _reachable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:  # every interface; none that a browser can open
        return "127.0.0.1"
    return f"[{host}]" if address.version == 6 else host
