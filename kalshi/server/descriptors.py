"""Files and connections that a process may have open at once, shared out. What is left over is for what the server
itself opens: database, Redis, Kalshi, modules, log.
"""

from __future__ import annotations

from typing import NamedTuple

from kalshi.errors import ConfigError
from kalshi.server.connections import STRANGERS, Held

LEAST = 512
"""With fewer a server is of no use."""
THREADS = 256
"""Of Django. Each has a connection to the database open; with SQLite that is three files."""


class Shares(NamedTuple):
    """Connections of all strangers, of one caller, and of all together; answers on the disk, each an open file; threads
    of Django; callers who wait for Kalshi in one, fewer than there are so that they never hold up the others.
    """

    strangers: int
    caller: int
    together: int
    answers: int
    threads: int
    waiting: int


def shares(limit: int) -> Shares:
    """limit: how many descriptors the process may have."""
    threads = min(THREADS, limit // 16)
    return Shares(
        strangers=min(STRANGERS, limit // 2),
        caller=min(Held.CALLER.value, limit // 4),
        together=limit * 5 // 8,
        answers=limit // 16,
        threads=threads,
        waiting=threads * 29 // 32,
    )


def refuse_too_few(limit: int) -> None:
    """Raises ConfigError."""
    if limit < LEAST:
        raise ConfigError(
            f"The system lets this process open {limit} files and connections at once, and it needs {LEAST}; raise the "
            "hard limit (ulimit -Hn, LimitNOFILE in systemd, --ulimit nofile in Docker)."
        )
