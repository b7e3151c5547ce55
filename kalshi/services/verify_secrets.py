"""Every secret that this installation knows, so that the verify script can prove that it shows none."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings

from kalshi import conf
from kalshi.upstream.route import PROXIES

MAX_BYTES = 64 * 1024
KEY_TEXT = re.compile(r"[A-Za-z0-9+/]{24,}")


def known(setup: conf.Setup) -> Iterator[str]:
    """Passwords, the Django secret, the key ring, key ids, and private keys in pieces of a line."""
    yield settings.SECRET_KEY
    for database in settings.DATABASES.values():
        yield database.get("PASSWORD") or ""
    for cache in settings.CACHES.values():
        yield from _password(str(cache.get("LOCATION", "")))
    network = os.environ if setup.network is None else setup.network
    for name in PROXIES:
        yield from _password("//" + network.get(name, "").rpartition("://")[2])
    for key in (setup.key_ring or "").split(","):
        yield key.strip()
    if setup.key_ring_file is not None:
        yield from _text(setup.key_ring_file).split()
    environ = os.environ if setup.credentials is None else setup.credentials
    yield environ.get("KALSHI_API_KEY_ID", "").strip()
    yield from KEY_TEXT.findall(environ.get("KALSHI_PRIVATE_KEY", "").replace("\\n", " "))
    folder = setup.credentials_home / ".secrets"
    for name in ("KALSHI_PRIVATE_KEY_PATH", "KALSHI_API_SECRET_FILE"):
        path = environ.get(name, "").strip()
        at = setup.credentials_home / path[2:] if path.startswith("~/") else Path(path)
        yield from KEY_TEXT.findall(_text(at))
    yield from KEY_TEXT.findall(_text(folder / "kalshi_private.pem"))
    yield from _texts_in_json(folder / "kalshi.json")
    if setup.sandbox_keys_dir is not None:
        yield from _texts_in_json(setup.sandbox_keys_dir / "keys.json")
        yield from KEY_TEXT.findall(_text(setup.sandbox_keys_dir / "rsa.pem"))


def _password(address: str) -> Iterator[str]:
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        return
    yield from (password, unquote(password))


def _text(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("latin-1")
    except (OSError, ValueError):  # the line `key file` reports it
        return ""


def _texts_in_json(path: Path) -> Iterator[str]:
    try:
        content = json.loads(_text(path))
    except (ValueError, RecursionError):
        return
    if isinstance(content, dict):
        yield from (value.strip() for value in content.values() if isinstance(value, str))
