"""Filters of the admin's templates."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django import template

register = template.Library()

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@register.filter
def lasting(seconds: float | None) -> str:
    """Seconds as people read them: 42 s, 3 min, 5 h, 2 d; "unknown" for None."""
    if seconds is None:
        return "unknown"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


@register.filter
def pairs(row: Any) -> list[tuple[str, Any]]:
    """Fields of a dataclass with their values."""
    return list(asdict(row).items())
