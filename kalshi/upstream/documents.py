"""Foreign JSON into Python, and our own documents out of it. Pure.

A number passes as the text it was: a float would shorten 0.1000000000000000055, make Infinity of 1e999, and Python
refuses integers of 6,000 digits. Half an emoji (a lone surrogate) becomes U+FFFD, since no UTF-8 can hold it.
"""

import json
import re
from json.encoder import encode_basestring
from typing import Any, NoReturn

from kalshi.errors import UnexpectedPayload

MAX_DEPTH = 100
"""Levels of lists and objects; Kalshi's bodies have less than ten."""
MAX_VALUES = 2_000_000
"""A body with more is not read: 32 MiB of "{}" would take a gigabyte, and hold up all threads meanwhile. Kalshi's
largest have some 300,000.
"""
MAX_INT_DIGITS = 640
"""Longer ones stay text. It is the smallest limit that Python's own conversion can be set to."""

Object = dict[str, Any]


class Number(str):
    """The text of a JSON number that is no plain `int`: a fraction, an exponent, -0, or very many digits."""

    __slots__ = ()


def parse(body: bytes) -> Any:
    """Any JSON text in UTF-8 of at most MAX_VALUES. Whole numbers are `int`, all others `Number`. Raises ValueError for
    anything else.
    """
    # Each value but the first follows one of these; those inside of texts are few enough to count along.
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ValueError("it has too many values")
    try:
        text = body.decode()
        if "\\ud" in text or "\\uD" in text:
            text = _ESCAPE.sub(_whole_character, text)
        return _decoder.decode(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None


def read(body: bytes) -> Any:
    """As `parse`, and fit for a document of ours: not nested more than MAX_DEPTH levels deep."""
    content = parse(body)
    if _is_too_deep(content):
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    return content


def read_object(body: bytes) -> Object:
    """The JSON object in a body of Kalshi's. Raises UnexpectedPayload."""
    try:
        content = read(body)
    except ValueError as fault:
        raise UnexpectedPayload(f"Kalshi's answer cannot be read: {fault}.", upstream_status=200) from None
    if not isinstance(content, dict):
        raise UnexpectedPayload("Kalshi's answer is JSON, but no object.", upstream_status=200)
    return content


def write(document: Any) -> bytes:
    """The document as JSON in UTF-8, each `Number` as the text it was.

    Raises ValueError for our own infinities, TypeError for what JSON has no form for.
    """
    # A lone surrogate of our own, as in the name of a file, becomes its escape, which is JSON.
    return _text(document, _Names()).encode("utf-8", "backslashreplace")


# Every escape is taken whole, so that the "\ud83d" in "\\ud83d" is none.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def _whole_character(escape: re.Match[str]) -> str:
    return escape[0] if escape[1] is None else "\\ufffd"


def _integer(text: str) -> int | Number:
    return Number(text) if len(text) > MAX_INT_DIGITS or text == "-0" else int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(parse_float=Number, parse_int=_integer, parse_constant=_refuse_constant)
_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))

_NESTS = frozenset({dict, list})


def _is_too_deep(content: Any) -> bool:
    level = [content] if type(content) in _NESTS else []
    for _ in range(MAX_DEPTH):
        level = [
            item
            for nest in level
            for item in (nest.values() if type(nest) is dict else nest)
            if type(item) in _NESTS
        ]
    return bool(level)


class _Names(dict[str, str]):
    """A document has few names, and each of them very often."""

    def __missing__(self, name: str) -> str:
        self[name] = quoted = f"{encode_basestring(name)}:"
        return quoted


def _text(value: Any, names: _Names) -> str:
    # Json's own encoder cannot write a number as a text of ours. Plain texts, which are most, need no call of this.
    kind = type(value)
    if kind is int or kind is Number:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict):
        members = [
            names[name] + (encode_basestring(item) if type(item) is str else _text(item, names))
            for name, item in value.items()
        ]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join([_text(item, names) for item in value]) + "]"
    return _encoder.encode(value)
