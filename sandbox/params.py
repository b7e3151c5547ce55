"""Declared parameters, and the checks the real exchange makes of them; what is unknown is ignored."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sandbox.errors import bad_request, missing_argument, out_of_range, unparsable

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


@dataclass(frozen=True, slots=True)
class Param:
    """`items`: "" one value, "comma" a comma-joined list, "repeat" a repeated parameter."""

    name: str
    kind: Literal["string", "integer", "boolean"] = "string"
    default: int | bool | str | None = None
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str | int, ...] = ()
    required: bool = False
    items: Literal["", "comma", "repeat"] = ""
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Args:
    """Checked values by name; a missing one is None, False or empty."""

    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def path(self, name: str) -> str:
        return str(self.values[name])

    def number(self, name: str) -> int | None:
        value = self.values.get(name)
        return value if isinstance(value, int) else None

    def integer(self, name: str) -> int:
        """A required number or one with a default."""
        value = self.number(name)
        if value is None:
            raise missing_argument(name)
        return value

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def words(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name)
        return value if isinstance(value, tuple) else ()


def check(
    operation_id: str, params: Iterable[Param], path: Mapping[str, str], query: Iterable[tuple[str, str]]
) -> Args:
    """Values of an operation's declared parameters; the first of a doubled one counts.

    Raises ApiError 400: shape (c) for what does not parse or is out of range, (a) for unknown words.
    """
    given: dict[str, list[str]] = {}
    for name, text in query:
        given.setdefault(name, []).append(text)
    values: dict[str, object] = dict(path)
    for param in params:
        texts = [text for text in given.get(param.name, ()) if text]
        if texts:
            values[param.name] = (
                listed(param, texts) if param.items else single(operation_id, param, texts[0])
            )
        elif param.required:
            raise missing_argument(param.name)
        elif param.default is not None:
            values[param.name] = param.default
    return Args(values)


def listed(param: Param, texts: list[str]) -> tuple[str, ...]:
    words = texts if param.items == "repeat" else [word for word in texts[0].split(",") if word]
    if param.max_items is not None and len(words) > param.max_items:
        raise bad_request(f"too many values for {param.name}, at most {param.max_items} allowed")
    if param.choices and not set(words) <= set(param.choices):
        raise bad_request(f"invalid {param.name} filter")
    return tuple(words)


def single(operation_id: str, param: Param, text: str) -> int | bool | str:
    if param.kind == "boolean":
        if text.lower() not in BOOLEANS:
            raise unparsable(param.name, text, param.kind)
        return BOOLEANS[text.lower()]
    if param.kind == "string":
        if param.choices and text not in param.choices:
            raise bad_request(f"invalid {param.name.replace('_', ' ')} filter")
        return text
    if not INTEGER.fullmatch(text):
        raise unparsable(param.name, text, param.kind)
    number = int(text)
    if param.minimum is not None and number < param.minimum:
        raise out_of_range(operation_id, param.name, "gte")
    if param.maximum is not None and number > param.maximum:
        raise out_of_range(operation_id, param.name, "lte")
    if param.choices and number not in param.choices:
        raise out_of_range(operation_id, param.name, "oneof")
    return number
