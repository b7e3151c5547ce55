"""One server at a time where nothing is shared: two would each spend the account's whole request budget."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from kalshi.errors import ConfigError

LOCK = "server.lock"


@contextlib.contextmanager
def one_server() -> Iterator[None]:
    """Serve within it. Without Redis, holds a lock in `settings.DATA_DIR`, where there is one, until the process ends.

    With Redis any number may serve. Raises ConfigError when another process holds the lock.
    """
    folder = getattr(settings, "DATA_DIR", None)
    alias = settings.KALSHI.get("CACHE_ALIAS", "kalshi")
    if folder is None or "redis" in settings.CACHES[alias]["BACKEND"].lower():
        yield
        return
    path = Path(folder) / LOCK
    try:
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: PTH123, SIM115 - needs the mode
    except OSError as problem:
        raise ConfigError(f"{path} cannot be written ({problem.strerror}).") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"Another server (process {file.read().strip() or 'unknown'}) runs on DATA_DIR {str(folder)!r}, and "
                "without Redis the two share neither the cache nor the account's rate budget, and together would "
                "overdraw it; stop that one, set REDIS_URL, or choose another DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
