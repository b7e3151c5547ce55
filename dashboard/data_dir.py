"""The folder of everything the product keeps on disk: made, checked and given its generated secret."""

import os
import secrets
import sqlite3
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def prepare(path: Path) -> Path:
    """Make the folder (mode 700) when it is missing and prove that it can be written. Returns it absolute."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path.resolve()
    except OSError as problem:
        raise ImproperlyConfigured(
            f"DATA_DIR is {str(path)!r}, which cannot be written ({problem.strerror}); "
            "name a folder that this user may write to."
        ) from None


def secret_key(folder: Path) -> str:
    """The generated key that signs sessions, kept in the folder with mode 600; made on first use."""
    path = folder / "secret_key"
    try:
        # O_EXCL lets exactly one of several starting processes write it.
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    except OSError as problem:
        raise ImproperlyConfigured(f"{path} cannot be written ({problem.strerror}).") from None
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if len(key) < 32:
        raise ImproperlyConfigured(
            f"{path} is damaged; delete it to have a new one made (everybody signs in again)."
        )
    return key


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
