"""The folder of everything the product keeps on disk: made, checked and given its generated secret."""

import errno
import fcntl
import os
import secrets
import sqlite3
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY = 32


class _Manner:
    """Whether this process makes what is missing."""

    makes = True


def only_look() -> None:
    """From now on nothing is made here: for a program that reports on an installation."""
    _Manner.makes = False


def prepare(path: Path) -> Path:
    """Make the folder (mode 700) when it is missing and prove that it can be written. Returns it absolute.

    After `only_look` a missing folder stays missing.
    """
    try:
        if not _Manner.makes:
            _look(path)
            return path.resolve()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path.resolve()
    except OSError as problem:
        raise ImproperlyConfigured(
            f"DATA_DIR is {str(path)!r}, which cannot be written ({problem.strerror}); "
            "name a folder that this user may write to."
        ) from None


def _look(path: Path) -> None:
    """Raises OSError when the folder is there and cannot be written, or cannot be made."""
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def secret_key(folder: Path) -> str:
    """The generated key that signs sessions, kept in the folder with mode 600; made on first use.

    Processes that start together get the same key: the first one writes it behind a lock. After `only_look` one that
    is missing is replaced for this process alone.
    """
    path = folder / "secret_key"
    if not _Manner.makes and not path.exists():
        return secrets.token_urlsafe(48)
    try:
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:  # noqa: PTH123 - needs the mode
            fcntl.flock(file, fcntl.LOCK_EX)
            os.fchmod(file.fileno(), 0o600)
            key = file.read().strip()
            if not key:
                key = secrets.token_urlsafe(48).encode()
                file.write(key)
    except OSError as problem:
        raise ImproperlyConfigured(f"{path} cannot be read and written ({problem.strerror}).") from None
    if len(key) < SHORTEST_KEY or not key.isascii():
        raise ImproperlyConfigured(
            f"{path} is damaged; delete it to have a new one made (everybody signs in again)."
        )
    return key.decode()


def check_database(path: Path) -> None:
    """Raise ImproperlyConfigured when the SQLite file is there and is none, or cannot be written."""
    if not path.exists():
        return
    try:
        connection = sqlite3.connect(path, timeout=10)
        try:
            connection.execute("PRAGMA schema_version").fetchone()
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
        finally:
            connection.close()
    except sqlite3.Error as problem:
        raise ImproperlyConfigured(
            f"The database {path} cannot be used ({problem}); restore it from a backup, or move it away to start empty."
        ) from None
