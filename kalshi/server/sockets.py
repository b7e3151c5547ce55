"""The address to listen on, bound before anything else starts, so that a busy port is one sentence."""

import contextlib
import errno
import re
import resource
import socket

from kalshi.errors import ConfigError

BACKLOG = 2048
DESCRIPTORS = 65_536
"""Files and connections that a process of ours may want to have open at once."""
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")


def parse(bind: str) -> tuple[str, int]:
    """`127.0.0.1:8000` or `[::1]:8000` as (host, port). Raises ConfigError."""
    found = _ADDRESS.fullmatch(bind)
    if found is None or not 1 <= int(found["port"]) <= 65535:
        raise ConfigError(
            f"--bind is {bind[:80]!r}; allowed: HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000."
        )
    return found["v6"] or found["host"], int(found["port"])


def listen(host: str, port: int) -> socket.socket:
    """Raises ConfigError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        if problem.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"PORT is {port}, which another program uses on {host}; stop it or choose another PORT."
            ) from None
        raise ConfigError(
            f"HOST is {host!r}, port {port}: cannot listen there ({problem.strerror})."
        ) from None
    except OverflowError:
        raise ConfigError(f"PORT is {port}; allowed: a whole number from 1 to 65535.") from None
    listener.listen(BACKLOG)
    return listener


def raise_limit() -> int:
    """Let this process, and those that it starts, open as many files and connections as the system allows; how many
    that is. Many systems begin with 1,024, which seventeen addresses with nothing to say fill.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    with contextlib.suppress(OSError, ValueError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft
