"""A request's path and query as they stand in the log, without secrets, however long they were.

The event loop only cuts the bytes; masking them is for the thread that writes the log. Nothing here passes through
logging, so secrets are taken out here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import unquote

from kalshi import our_secrets

MAX_BYTES = 2048
MASK = "***"
SHORTEST = 8
"""No text that is shorter holds a secret, unless its name says so."""
MOST_ENCODED = 8
"""How often a text may be percent-encoded, before nothing of it is shown."""

_SIGN_IN = re.compile(r"(/sign-in/+)[^/?\s]+")
_SECRET_NAME = re.compile(
    r"key|secret|token|passw|pem|credential|signature|auth|cookie|session|code|jwt|bearer", re.IGNORECASE
)

Redact = Callable[[str], str]


class LogPath:
    """size: bytes that it keeps, at most MAX_BYTES before it is masked and six times as many afterwards."""

    __slots__ = ("_path", "_query", "_text", "_whole", "size")

    def __init__(self, raw_path: bytes, query: bytes) -> None:
        self._path, self._query, self._whole = cut(raw_path, query)
        self.size = len(self._path) + len(self._query)
        self._text = ""

    def text(self, redact: Redact) -> str:
        """The inside of a JSON string. Made once, by the thread that writes the log."""
        if not self._text:
            self._text = path_for_log(self._path, self._query, redact, whole=self._whole)
            self._path = self._query = b""
        return self._text


def cut(raw_path: bytes, query: bytes) -> tuple[bytes, bytes, int]:
    """(path, query, bytes of both before the cut, 0 when nothing is cut): MAX_BYTES at most, or a few more for a mask.

    Half a secret would not be known as one, so nothing is shown in half: of the parameter at the cut only the name
    stays, and of a path that is too long nothing, since any part of it may be a secret.
    """
    whole = len(raw_path) + len(query)
    if whole <= MAX_BYTES:
        return raw_path, query, 0
    if len(raw_path) > MAX_BYTES:
        return MASK.encode(), b"", whole
    room = query[: MAX_BYTES - len(raw_path)]
    kept, _, last = room.rpartition(b"&")
    name, given, _ = last.partition(b"=")
    if given:
        kept += (b"&" if kept else b"") + name + b"=" + MASK.encode()
    return raw_path, kept, whole


def path_for_log(raw_path: bytes, query: bytes, redact: Redact, *, whole: int = 0) -> str:
    """Path and query as the inside of a JSON string, without secrets. redact: masks what else is known as one.

    whole: told when it is not 0. The time it takes grows with the bytes, and with the parameters only when one of them
    has to be masked.
    """

    def masked(plain: str) -> str:
        return _SIGN_IN.sub(rf"\1{MASK}", our_secrets.masked(redact(plain), MASK))

    def shown(text: str) -> str:
        """As sent, unless something has to be masked in it, however it was percent-encoded."""
        if is_clean or len(text) < SHORTEST:
            return text
        plain = _decoded(text)
        if plain is None:
            return MASK
        without = masked(plain)
        return text if without == plain else without

    def parameter(text: str) -> str:
        name, given, value = text.partition("=")
        apart = f"{shown(name)}{given}{shown(value)}"
        if apart == text != shown(text):  # a secret with the `=` in it
            return MASK
        plain = _decoded(name)
        if value and (plain is None or _SECRET_NAME.search(plain)):
            return f"{shown(name)}={MASK}"
        return apart

    path, parameters = raw_path.decode("latin-1"), query.decode("latin-1")
    plain = _decoded(f"{path}?{parameters}")
    is_clean = plain is not None and masked(plain) == plain
    line = shown(path)
    if query:
        shown_query = "&".join(map(parameter, parameters.split("&")))
        # A secret with an `&` in it was known whole, not by its parts.
        left = _decoded(f"{line}?{shown_query}")
        line += "?" + (shown_query if is_clean or (left is not None and masked(left) == left) else MASK)
    if whole:
        line += f"... ({whole} bytes in all)"
    return json.dumps(line)[1:-1]


def _decoded(text: str) -> str | None:
    """None where it takes too often: the next turn could bring a secret to light."""
    for _ in range(MOST_ENCODED):
        plain = unquote(text) if "%" in text else text
        if plain == text:
            return text
        text = plain
    return None
