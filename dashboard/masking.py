"""Takes secrets out of what is logged: out of each text by itself, before the texts become a line of JSON.

In a finished line a mask could take a quote or a bracket along, and a text could take what stands behind it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kalshi import our_secrets

MASK = "***"
SHORTEST = 8
MOST_DEEP = 6
"""Levels of lists and dicts that are shown as such; what lies deeper is shown as Python's text of it."""

_KEY = re.compile(r"-----BEGIN [^-]*-----.*?(-----END [^-]*-----|\Z)", re.DOTALL)
PATTERNS = (
    # First, and no name as a value: else another mask takes the name away and leaves what it names.
    (re.compile(r"(?i)(kalshi-access-(?:key|signature)\W{1,8}+)(?!kalshi-access-)[^\s\"',}]+"), r"\1" + MASK),
    (re.compile(r"(/sign-in/)[^/\s\"'?]+"), r"\1" + MASK),
    (re.compile(r"(?i)(bearer\s+)[^\s\"',]+"), r"\1" + MASK),
    (re.compile(r"(?i)((?:sessionid|csrftoken)=)[^\s;\"',]+"), r"\1" + MASK),
)
_NAME_OF_SECRET = re.compile(r"(?i)kalshi-access-(?:key|signature)\W{0,4}\Z")


class Mask:
    """secrets: values that are masked wherever they turn up, besides what looks like a credential."""

    def __init__(self, secrets: Sequence[str]) -> None:
        # A key of several lines may be quoted line by line. Shorter secrets would mask ordinary words.
        parts = {
            part
            for secret in secrets
            for whole in (secret, _unescaped(secret))
            # Without the end of base64 too: whoever takes an address apart takes that off.
            for part in (whole, whole.rstrip("="), *whole.splitlines())
            if len(part) >= SHORTEST
        }
        # As they are, and as they stand in JSON and in Python's texts; the longest first, or a part would break up
        # the whole.
        spellings = {text for part in parts for text in (part, json.dumps(part)[1:-1], repr(part)[1:-1])}
        self._secrets = tuple(sorted(spellings, key=len, reverse=True))

    def __repr__(self) -> str:
        return "Mask(...)"

    def text(self, text: str) -> str:
        """Without secrets, and without halves of characters, which no JSON may hold."""
        text = _KEY.sub(MASK, text)  # before its first line is masked as a part of ours
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        text = our_secrets.masked(text, MASK)
        for pattern, replacement in PATTERNS:
            text = pattern.sub(replacement, text)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")

    def fields(self, event: Mapping[Any, Any]) -> dict[str, Any]:
        """All of them, as plain data that fits JSON."""
        return self._pairs(event, MOST_DEEP)

    def _plain(self, value: object, deep: int) -> Any:
        match value:
            case None | bool():
                return value
            case str():
                return self.text(value)
            case int() | float():
                return self._number(value)
            case Mapping() if deep:
                return self._pairs(value, deep - 1)
            case list() | tuple() | set() | frozenset() if deep:
                return self._items(value, deep - 1)
        return self.text(text_of(value))

    def _number(self, value: int | float) -> Any:
        if isinstance(value, int) and value.bit_length() > 64:
            return hex(value)  # thousands of digits are refused
        if not math.isfinite(value):
            return str(value)
        text = str(value)
        masked = self.text(text)
        return value if masked == text else masked

    def _pairs(self, pairs: Mapping[Any, Any], deep: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for key, value in pairs.items():
            name = self.text(text_of(key))
            if name in shown:
                name = f"{name} ({len(shown)})"
            shown[name] = MASK if _NAME_OF_SECRET.search(name) else self._plain(value, deep)
        return shown

    def _items(self, items: Iterable[object], deep: int) -> list[Any]:
        """A name masks the item behind it, and the beginning of a key what comes up to its end."""
        shown: list[Any] = []
        in_key, is_named = False, False
        for item in items:
            text = text_of(item) if isinstance(item, str | bytes) else ""
            shown.append(MASK if in_key or is_named else self._plain(item, deep))
            begins, ends = text.rfind("-----BEGIN "), text.rfind("-----END ")
            in_key = begins > ends or (in_key and ends < 0)
            is_named = _NAME_OF_SECRET.search(text) is not None
        return shown


def text_of(value: object) -> str:
    """A text as it is, anything else as Python shows it. Never raises."""
    if isinstance(value, str):
        return value
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - of whatever object that somebody logs
        return f"<{type(value).__name__} that cannot be shown>"


def _unescaped(secret: str) -> str:
    """A key that was given with `\\n` for its line breaks, with real ones."""
    return secret.replace("\\r", "").replace("\\n", "\n")


def line_of(fields: Mapping[str, Any], most: int) -> str:
    """One object of JSON with all its fields, the longest of them cut where it would have more than `most` characters.

    Only masked fields may be cut: half a secret would not be known as one. What a cut says of itself and the names of
    the fields come on top.
    """
    spelled = {name: json.dumps(value) for name, value in fields.items()}
    left = most
    for number, (name, text) in enumerate(sorted(spelled.items(), key=lambda pair: len(pair[1]))):
        share = left // (len(spelled) - number)
        if len(text) > share:
            spelled[name] = json.dumps(_cut(fields[name], share))
        left -= min(len(text), share)
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in spelled.items()) + "}"


def _cut(value: Any, most: int) -> str:
    whole = value if isinstance(value, str) else json.dumps(value)
    text = whole[:most]
    while len(json.dumps(text)) > most + 2:
        text = text[: len(text) * 3 // 4]
    return f"{text}... ({len(whole)} characters in all)"
