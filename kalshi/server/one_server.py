"""One server at a time where nothing is shared: two would each spend the account's whole request budget."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from kalshi.errors import ConfigError
from kalshi.private_files import open_private

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
        file = open_private(path)
    except OSError as problem:
        raise ConfigError(f"{path} cannot be written ({problem.strerror}).") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = file.read(20).decode("ascii", "replace").strip() or "unknown"
            raise ConfigError(
                f"Another server (process {other}) runs on DATA_DIR {str(folder)!r}, and "
                "without Redis the two share neither the cache nor the account's rate budget, and together would "
                "overdraw it; stop that one, set REDIS_URL, or choose another DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()).encode())
        yield
