"""What an exchange might send that is JSON only just, or not at all; and how strictly our own documents are read."""

from __future__ import annotations

import json
from typing import Any, NoReturn

BIG = "7" * 6_000


def nested(levels: int) -> str:
    """A value that is itself so many levels deep."""
    return "[" * levels + "]" * levels


# Values that are JSON and must stay what they are: (the text sent, the text wanted).
NUMBERS = [
    "-0",
    "0.0",
    "1.10",
    "0.10000000000000000555",
    "1E2",
    "1e-7",
    "1e999",
    "-1e999",
    BIG,
    f"0.{BIG}",
    "9" * 20,
]
TEXTS = {
    "half an emoji": (r'"\ud83d"', '"\ufffd"'),
    "the other half": (r'"a\uDE00b"', '"a\ufffdb"'),
    "halves the wrong way round": (r'"\ude00\ud83d"', '"\ufffd\ufffd"'),
    "an emoji in halves": (r'"\ud83d\ude00"', '"😀"'),
    "an escaped backslash before a half": (r'"\\ud83d"', r'"\\ud83d"'),
    "a zero byte and a line end": (r'"\u0000\n"', r'"\u0000\n"'),
    "a name twice": ('{"a":1,"a":2}', '{"a":2}'),
    "half an emoji as a name": (r'{"\ud83d":1}', '{"\ufffd":1}'),
    "as deep as allowed": (nested(90), nested(90)),
}
GOOD_VALUES = {f"the number {text[:24]}": (text, text) for text in NUMBERS} | TEXTS

# Values with which a body is no JSON, or none that a document of ours can hold.
BAD_VALUES = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "minus Infinity": "-Infinity",
    "200 levels": nested(200),
    "950 levels": nested(950),
    "5,000 levels": nested(5_000),
    "100,000 levels, never closed": "[" * 100_000,
    "a bare word": "none",
    "a number with a leading zero": "007",
    "a line end in a text": '"a\nb"',
    "an unknown escape": r'"\x41"',
}
# Whole bodies that are no JSON object in UTF-8.
BAD_BODIES = {
    "nothing": b"",
    "a page": b"<html>",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"cursor"',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "bytes that are no UTF-8": b'{"a":"\xff"}',
    "a surrogate in bytes": b'{"a":"\xed\xa0\xbd"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "half a body": b'{"a":',
    "two bodies": b"{}{}",
}


def _refuse(name: str) -> NoReturn:
    raise AssertionError(f"{name} is no JSON")


def strict(body: bytes) -> Any:
    """The document, its numbers as texts. Fails for what a strict reader refuses: no UTF-8, NaN, half characters."""
    found = json.loads(body.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=_refuse)
    json.dumps(found, ensure_ascii=False).encode("utf-8")
    return found
