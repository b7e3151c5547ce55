"""The folder of everything the product keeps on disk: made, checked and given its generated secret."""

import errno
import fcntl
import os
import secrets
import sqlite3
import stat
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from kalshi import private_files

SHORTEST_KEY = 32
DATABASE = "db.sqlite3"
OURS = (
    "secret_key",
    "server.lock",
    "sandbox.log",
    *(DATABASE + suffix for suffix in ("", "-wal", "-shm", "-journal", ".migrate-lock")),
)
"""The files that nobody else may have put here, nor read. The key ring is judged where it is read."""


class _Manner:
    """Whether this process makes what is missing."""

    makes = True


def only_look() -> None:
    """From now on nothing is made here: for a program that reports on an installation."""
    _Manner.makes = False


def prepare(path: Path) -> Path:
    """Make the folder (mode 700) when it is missing, and prove that it can be written and that nobody else can put
    something into it. Returns it absolute.

    Files of ours that others can read are closed to them. After `only_look` a missing folder stays missing, and modes
    stay as they are.
    """
    try:
        if _Manner.makes:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        else:
            _look(path)
        _judge(path)
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


def _judge(folder: Path) -> None:
    """Raise ImproperlyConfigured when another user has, or may get, a hand in what is kept here."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        found = os.fstat(descriptor)
        fault = _fault_of_folder(found)
        if fault:
            raise ImproperlyConfigured(
                f"DATA_DIR is {str(folder)!r}, {fault}; allowed: a folder of this user alone."
            )
        for name in OURS:
            _judge_file(folder, name, descriptor)
    finally:
        os.close(descriptor)


def _fault_of_folder(found: os.stat_result) -> str | None:
    if found.st_uid not in {os.geteuid(), 0}:
        return f"which belongs to another user (number {found.st_uid})"
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        return f"in which every user may replace files (mode {stat.S_IMODE(found.st_mode):o}; run chmod 700 on it)"
    return None


def _judge_file(folder: Path, name: str, descriptor: int) -> None:
    """By what is opened, without following a link; then closed to others, where it is ours to do that."""
    try:
        fault = private_files.fault_of(os.stat(name, dir_fd=descriptor, follow_symlinks=False))
        if fault is None and _Manner.makes:
            fault = _closed(name, descriptor)
    except FileNotFoundError:
        return
    if fault:
        raise ImproperlyConfigured(
            f"{folder / name} is not ours: {fault}; look who did that, and take it away."
        )


def _closed(name: str, folder: int) -> str | None:
    """What is wrong with the file, now that it is open."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as problem:
        return f"it cannot be opened ({problem.strerror})"
    try:
        fault = private_files.fault_of(os.fstat(file))
        if fault is None and os.fstat(file).st_uid == os.geteuid():
            private_files.make_private(file)
        return fault
    finally:
        os.close(file)


def secret_key(folder: Path) -> str:
    """The generated key that signs sessions, kept in the folder with mode 600; made on first use.

    Processes that start together get the same key: the first one writes it behind a lock. After `only_look` one that
    is missing is replaced for this process alone.
    """
    path = folder / "secret_key"
    if not _Manner.makes and not path.exists():
        return secrets.token_urlsafe(48)
    try:
        with private_files.open_private(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
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
