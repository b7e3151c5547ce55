"""Connect to a host name within one time, however many addresses it has."""

import socket
import time
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

from urllib3.util.connection import allowed_gai_family

LEAST_S = 0.001


def dial(host: str, port: int, timeout_s: float, options: Iterable[Any]) -> socket.socket:
    """A connected socket, which has what is left of `timeout_s` for its next step, such as TLS.

    Every address but the last gets half of what is left, in the order of the system. Finding them is not covered:
    that cannot be interrupted. `options`: for setsockopt. Raises socket.gaierror, and TimeoutError or another OSError
    of the last address.
    """
    found = _addresses(host.strip("[]"), port)
    deadline = time.monotonic() + timeout_s
    for index, (family, kind, protocol, _, place) in enumerate(found):
        is_last = index == len(found) - 1
        left_s = deadline - time.monotonic()
        with ExitStack() as closed_unless_connected:
            try:
                sock = closed_unless_connected.enter_context(socket.socket(family, kind, protocol))
                for option in options:
                    sock.setsockopt(*option)
                sock.settimeout(max(LEAST_S, left_s if is_last else left_s / 2))
                sock.connect(place)
            except OSError:
                if is_last:
                    raise
                continue
            sock.settimeout(max(LEAST_S, deadline - time.monotonic()))
            closed_unless_connected.pop_all()
            return sock
    raise OSError("the host name has no address")


def _addresses(host: str, port: int) -> list[Any]:
    try:
        return list(socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM))
    except UnicodeError:
        raise socket.gaierror(f"{host} is no host name") from None
