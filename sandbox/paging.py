"""Pages over an ordered walk: the cursor is the last item's key, opaque and URL-safe."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Key = tuple[int | str, ...]


def encode(scope: str, key: Key) -> str:
    text = json.dumps([scope, *key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def decode(scope: str, cursor: str | None) -> Key | None:
    """The key in a cursor of the same scope; None, that is page one, for garbage or another list's cursor."""
    try:
        text = (cursor or "").encode("ascii")
        parts = json.loads(base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(parts, list) or len(parts) < 2 or parts[0] != scope:
        return None
    return tuple(parts[1:]) if all(type(part) in {int, str} for part in parts[1:]) else None


def page(
    scope: str, items: Iterable[Item], key: Callable[[Item], Key], cursor: str | None, limit: int
) -> tuple[list[Item], str]:
    """At most `limit` items after the cursor, and the cursor of the next page ("" on the last one).

    `items` must ascend by `key`, which must name each item once; it is consumed no further than needed.
    """
    after = decode(scope, cursor)
    found: list[Item] = []
    for item in items:
        place = key(item)
        if after is not None and comparable(after, place) and place <= after:
            continue
        if len(found) == limit:
            return found, encode(scope, key(found[-1]))
        found.append(item)
    return found, ""


def comparable(left: Key, right: Key) -> bool:
    return [type(part) for part in left] == [type(part) for part in right]
