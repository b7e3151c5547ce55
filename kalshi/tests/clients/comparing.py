"""Whether what a client holds is what the exchange sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any


def faults(got: Any, body: dict[str, Any]) -> list[str]:
    """Where the client's value leaves the body, or the part of the body that it stands for; empty: nowhere.

    A client may leave fields out and add some of its own, but those that both name are equal, and there are some.
    """
    kind = type(got)
    parts = [part for part in (body, *body.values()) if isinstance(part, kind)]
    tried = [list(_faults(got, part, "")) for part in parts if _shared(got, part)]
    if not tried:
        return [f"nothing in common: {str(got)[:200]} and {str(body)[:200]}"]
    return min(tried, key=len)


def _shared(got: Any, part: Any) -> bool:
    """Whether there is anything to compare."""
    if isinstance(got, dict):
        return any(name in part for name in got) or not part
    return bool(got) or not part


def _faults(got: Any, true: Any, where: str) -> Iterator[str]:
    if isinstance(got, dict) and isinstance(true, dict):
        for name in got.keys() & true.keys():
            yield from _faults(got[name], true[name], f"{where}.{name}")
        if true and not got.keys() & true.keys():
            yield f"{where}: no field in common"
    elif isinstance(got, list) and isinstance(true, list):
        if len(got) != len(true):
            yield f"{where}: {len(got)} items instead of {len(true)}"
        for index, pair in enumerate(zip(got, true, strict=False)):
            yield from _faults(*pair, f"{where}[{index}]")
    elif not _equal(got, true):
        yield f"{where}: {got!r} instead of {true!r}"


def _equal(got: Any, true: Any) -> bool:
    if got == true or (not got and not true):
        return True
    return _number(got) == _number(true) or _moment(got) == _moment(true)


def _number(value: Any) -> Any:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
