"""The key ring: what seals is the first key, what opens is any of them.

It comes from a setting (comma-separated, newest first) or from a file of mode 600, one key a line, newest first. Each
key is 32 random bytes in URL-safe base64, as Fernet makes them. Messages never contain one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from kalshi.errors import NoCredentials
from kalshi.upstream.keyfile import read_key_file

MAX_KEYS = 20
FILE_MODE = 0o600


class WrongRing(NoCredentials):
    """There is no key ring, it is damaged, or none of its keys opens what was sealed."""


class NoRing(WrongRing):
    """None is configured."""


class KeyRing:
    """Seals and opens bytes. Prints its source only. source: the setting or the file, for messages."""

    def __init__(self, keys: Sequence[str], *, source: str) -> None:
        if not keys:
            raise WrongRing(f"{source} holds no key; a ring has at least one.")
        if len(keys) > MAX_KEYS or len(set(keys)) != len(keys):
            raise WrongRing(f"{source} must hold 1 to {MAX_KEYS} different keys.")
        self.source = source
        try:
            self._newest = Fernet(keys[0])
            self._all = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise WrongRing(
                f"{source} is damaged: every key of the ring is 44 characters of URL-safe base64. "
                "Restore it from its backup."
            ) from None

    def __repr__(self) -> str:
        return f"KeyRing({self.source!r})"

    def seal(self, plain: bytes) -> str:
        """Sealed with the newest key."""
        return self._newest.encrypt(plain).decode("ascii")

    def open(self, sealed: str) -> bytes:
        """Raises WrongRing when no key of the ring fits, or the text was changed."""
        try:
            return self._all.decrypt(sealed.encode())
        except InvalidToken:
            raise WrongRing(
                f"No key of {self.source} opens it. Put back the ring with which it was sealed."
            ) from None

    def is_newest(self, sealed: str) -> bool:
        """Whether it was sealed with the newest key."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True


def from_text(text: str, *, source: str) -> KeyRing:
    """The ring of a setting. Raises WrongRing."""
    return KeyRing([part.strip() for part in text.split(",") if part.strip()], source=source)


def from_file(path: Path) -> KeyRing | None:
    """The ring of a file; None when there is none. Raises ConfigError for one that others can read, or WrongRing."""
    keys = _keys(path)
    return None if keys is None else KeyRing(keys, source=str(path))


def make_file(path: Path) -> KeyRing:
    """A new ring of one key, unless another process made one at this moment: then that one."""
    _write(path, [new_key()], only_new=True)
    ring = from_file(path)
    if ring is None:
        raise WrongRing(f"{path} cannot be made.")
    return ring


def add_key(path: Path) -> KeyRing:
    """Put a new key before the others. The old file stays whole until the new one is."""
    keys = _keys(path)
    if keys is None:
        raise WrongRing(f"{path} does not exist.")
    if len(keys) >= MAX_KEYS:
        raise WrongRing(
            f"{path} holds {len(keys)} keys; take out those that nothing is sealed with any more."
        )
    _write(path, [new_key(), *keys], only_new=False)
    return KeyRing([*(_keys(path) or [])], source=str(path))


def new_key() -> str:
    return Fernet.generate_key().decode("ascii")


def _keys(path: Path) -> list[str] | None:
    if not os.path.lexists(path):
        return None
    text = read_key_file(path, source=str(path), allow_open=False).decode("ascii", "replace")
    return text.split()


def _write(path: Path, keys: Sequence[str], *, only_new: bool) -> None:
    """All or nothing, whatever happens meanwhile."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        if only_new:
            try:
                os.link(name, path)  # fails when it is there, unlike a rename
            except FileExistsError:
                return
        else:
            Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
