"""The account's API key: found in the settings, read once, able to sign, never shown.

Two halves, each from its variable, else from its file:

    key id        KALSHI_API_KEY_ID                                   ~/.secrets/kalshi.json {"api_key_id":
    ...} private key   KALSHI_PRIVATE_KEY_PATH (or KALSHI_API_SECRET_FILE)  ~/.secrets/kalshi_private.pem
                  or KALSHI_PRIVATE_KEY (the key itself)

Half a credential is an error, since falling back to something else would show other people's, or demo, money.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NoReturn

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kalshi.errors import ConfigError
from kalshi.upstream.keyfile import read_key_file
from kalshi.upstream.pem import PrivateKey, parse_private_key

VARIABLES = ("KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY_PATH", "KALSHI_API_SECRET_FILE", "KALSHI_PRIVATE_KEY")
FILES = ("kalshi.json", "kalshi_private.pem")  # under ~/.secrets
NO_HOME = Path("/nonexistent")  # as Debian gives to users without one

_KEY_ID = re.compile(r"[\x21-\x7e]{1,128}")
_BASE64_RUN = re.compile(r"(?!/)[A-Za-z0-9+/=_-]{40,}$|.*[A-Za-z0-9+=]{60}", re.DOTALL)
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class Credentials:
    """A key id and its private key. Prints masked, cannot be pickled; safe to share between threads.

    `source` says where the private key came from (a variable's name and perhaps a path), for messages.
    """

    __slots__ = ("_key", "_key_id", "source")

    def __init__(self, key_id: str, key: PrivateKey, *, source: str = "") -> None:
        self._key_id = key_id
        self._key = key
        self.source = source

    @property
    def key_id(self) -> str:
        """The id Kalshi knows the key by. A header value; never for logs or pages."""
        return self._key_id

    @property
    def kind(self) -> Literal["rsa", "ed25519"]:
        """Decided by the key itself."""
        return "ed25519" if isinstance(self._key, Ed25519PrivateKey) else "rsa"

    @property
    def fingerprint(self) -> str:
        """8 hex digits that tell keys apart without telling the key id."""
        return fingerprint(self._key_id)

    def sign(self, message: bytes) -> bytes:
        """The signature bytes that Kalshi expects for `message`."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(message)
        return self._key.sign(message, _PSS, hashes.SHA256())

    def __repr__(self) -> str:
        return f"Credentials(kind={self.kind!r}, fingerprint={self.fingerprint!r})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("Credentials are not to be pickled: keys stay in this process")

    def __copy__(self) -> "Credentials":
        return self

    def __deepcopy__(self, memo: object) -> "Credentials":
        return self


def fingerprint(identity: str) -> str:
    """8 hex digits of SHA-256."""
    return hashlib.sha256(identity.encode()).hexdigest()[:8]


def home() -> Path:
    """The home folder. Where neither HOME nor the system's list of users names one, a folder that is not there."""
    try:
        return Path.home()
    except RuntimeError:
        return NO_HOME


def is_configured(environ: Mapping[str, str], home: Path) -> bool:
    """Whether anything that looks like a credential is there, usable or not: `load` gives no None then."""
    return any(_set(environ, name) for name in VARIABLES) or any(
        _exists(home / ".secrets" / name) for name in FILES
    )


def load(environ: Mapping[str, str], home: Path, allow_open: bool) -> Credentials | None:
    """The configured credentials, or None when nothing at all is configured.

    `allow_open`: accept a key file that group or others can open. Raises ConfigError that says what is wrong,
    where, and what to do, for half a credential and for one that cannot be used.
    """
    key_id = _key_id(environ, home)
    found = _private_key(environ, home, allow_open=allow_open)
    if key_id is None and found is None:
        return None
    if key_id is None:
        raise ConfigError(
            "There is a private key but no key id: set KALSHI_API_KEY_ID, or put"
            ' {"api_key_id": "..."} into ~/.secrets/kalshi.json.'
        )
    if found is None:
        raise ConfigError(
            "There is a key id but no private key: set KALSHI_PRIVATE_KEY_PATH or KALSHI_PRIVATE_KEY, or put"
            " the key into ~/.secrets/kalshi_private.pem."
        )
    key, source = found
    return Credentials(key_id, key, source=source)


def _key_id(environ: Mapping[str, str], home: Path) -> str | None:
    source, text = "KALSHI_API_KEY_ID", _set(environ, "KALSHI_API_KEY_ID")
    if text is None:
        path = home / ".secrets" / "kalshi.json"
        if not _exists(path):
            return None
        source = str(path)
        text = _id_in_json(read_key_file(path, source=source, allow_open=True, private=False), source)
    check_key_id(text, source=source)
    return text


def check_key_id(text: str, *, source: str) -> None:
    """Raise ConfigError, which does not repeat the text, unless it can be a key id."""
    if not _KEY_ID.fullmatch(text):
        raise ConfigError(
            f"{source} holds no plausible key id: at most 128 visible ASCII characters without blanks are"
            " expected, such as the UUID that Kalshi shows beside the key."
        )


def _id_in_json(data: bytes, source: str) -> str:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ConfigError(f'{source} is no JSON; {{"api_key_id": "..."}} is expected.') from None
    value = content.get("api_key_id") if isinstance(content, dict) else None
    if not isinstance(value, str) or not _unquoted(value):
        raise ConfigError(f'{source} has no key id; {{"api_key_id": "..."}} is expected.')
    return _unquoted(value)


def _private_key(
    environ: Mapping[str, str], home: Path, *, allow_open: bool
) -> tuple[PrivateKey, str] | None:
    names = ("KALSHI_PRIVATE_KEY_PATH", "KALSHI_API_SECRET_FILE", "KALSHI_PRIVATE_KEY")
    given = {name: text for name in names if (text := _set(environ, name)) is not None}
    if len(set(given.values())) > 1:
        raise ConfigError(f"{' and '.join(given)} are both set and differ; keep one of them.")
    if "KALSHI_PRIVATE_KEY" in given:
        return parse_private_key(
            given["KALSHI_PRIVATE_KEY"], source="KALSHI_PRIVATE_KEY"
        ), "KALSHI_PRIVATE_KEY"
    for name, text in given.items():
        return _key_at(text, name, home, allow_open=allow_open)
    path = home / ".secrets" / "kalshi_private.pem"
    if not _exists(path):
        return None
    data = read_key_file(path, source=str(path), allow_open=allow_open)
    return parse_private_key(data, source=str(path)), str(path)


def _key_at(text: str, variable: str, home: Path, *, allow_open: bool) -> tuple[PrivateKey, str]:
    """The key in the file that a variable names. Key text put there by mistake is never repeated."""
    path = home / text[2:] if text.startswith("~/") else Path(text)
    if _is_key_text(text) and not os.path.exists(path):  # noqa: PTH110  # Path.exists() raises for long names
        raise ConfigError(
            f"{variable} holds a key and not the path of one; a key itself belongs in KALSHI_PRIVATE_KEY."
        )
    source = f"{variable} ({text})"
    data = read_key_file(path, source=source, allow_open=allow_open)
    return parse_private_key(data, source=source), source


def _is_key_text(text: str) -> bool:
    # A long run of base64 is no path that a person writes, but may be a damaged key.
    if "BEGIN" in text or not text.isprintable() or _BASE64_RUN.match(text):
        return True
    try:
        parse_private_key(text, source="")
    except ConfigError:
        return False
    return True


def _exists(path: Path) -> bool:
    """Whether the name is there; a dangling link is, so that it is reported and not skipped."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(f"{path} cannot be looked at: {error.strerror}.") from None
    return True


def _set(environ: Mapping[str, str], name: str) -> str | None:
    """A variable's value without blanks and quotes around it; None when nothing is left."""
    return _unquoted(environ.get(name, "")) or None


def _unquoted(text: str) -> str:
    return text.strip().lstrip("\ufeff").strip("\"'`").strip()
