"""One process at a time migrates a database: servers that start together would make the same tables."""

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from kalshi.private_files import open_private

WAIT_S = 300.0
EVERY_S = 0.1
# PostgreSQL's advisory locks are numbers that all programs of a database share.
NUMBER = int.from_bytes(b"kalshi-m")
SUFFIX = ".migrate-lock"


@contextlib.contextmanager
def held(connection: Any) -> Iterator[None]:
    """Migrate within it. Waits for another process for at most WAIT_S, then raises ImproperlyConfigured."""
    if connection.vendor == "postgresql":
        with _of_postgres(connection):
            yield
        return
    name = str(connection.settings_dict["NAME"])
    path = Path(unquote(urlsplit(name).path)) if name.startswith("file:") else Path(name)
    if ":memory:" in name or "mode=memory" in name:
        yield
        return
    with _of_file(path.with_name(path.name + SUFFIX)):
        yield


@contextlib.contextmanager
def _of_postgres(connection: Any) -> Iterator[None]:
    """The server lets go of the lock when the connection ends, however it ends."""

    def take() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [NUMBER])
            return bool(cursor.fetchone()[0])

    _wait(take)
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [NUMBER])


@contextlib.contextmanager
def _of_file(path: Path) -> Iterator[None]:
    """A file beside the database, which stays: to remove it would let two processes lock two files."""
    with open_private(path) as file:

        def take() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait(take)
        yield


def _wait(take: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not take():
        if time.monotonic() > deadline:
            raise ImproperlyConfigured(
                f"Another process has been migrating this database for {WAIT_S:.0f} s; look at it, then start again."
            )
        time.sleep(EVERY_S)
