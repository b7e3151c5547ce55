"""Caller's words -> a call that may be sent, or the reason why not. Pure; no upstream call happens here.

What comes out for our own API is normalised, so that two spellings of one question share one cache entry: `limit=05`
is `limit=5`, `TRUE` is `true`. Nowhere does the order of different parameters matter.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kalshi.errors import BadRequest, NotFound
from kalshi.upstream.endpoints import Endpoint, Param

Params = tuple[tuple[str, str], ...]

MAX_VALUE_BYTES = 2048
MAX_FORWARDED = 20
MAX_QUERY_BYTES = 65_536
_FORWARDED_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
PATH_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_INT64 = 2**63


@dataclass(frozen=True)
class Call:
    """One upstream question. `path` is filled in and has no /trade-api/v2; `params` are the query, sorted."""

    endpoint: Endpoint
    path: str
    params: Params


def validate(
    endpoint: Endpoint, query: Iterable[tuple[str, str]], path_args: Mapping[str, str], *, api: bool
) -> Call:
    """Check everything a caller said.

    `query` and `path_args` are percent-decoded exactly once, as servers and URL routers hand them out;
    nothing is decoded here. Raises NotFound for a path value that no ticker or id can have, else BadRequest.

    `api` true, our own API: its defaults and aliases lie over Kalshi's, and what Kalshi would refuse is refused
    here, with a message that names what is allowed. `api` false, the gateway: the query goes to Kalshi as it is,
    names that the table does not know included, so that Kalshi's own refusals reach the caller; only size and
    encoding are checked.
    """
    path = _filled_path(endpoint, path_args)
    pairs = _strict(endpoint, query) if api else _forwarded(endpoint, query)
    # Values of one name keep their order.
    return Call(endpoint, path, tuple(sorted(pairs, key=lambda pair: pair[0])))


def _strict(endpoint: Endpoint, query: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    given = _grouped(endpoint, query)
    for param in endpoint.query_params:
        values = given.get(param.name)
        if values is None:
            if param.name in endpoint.api_defaults:
                yield param.name, endpoint.api_defaults[param.name]
            elif param.required:
                raise BadRequest(f"The parameter {param.name} is required.")
            continue
        for value in _normalised(param, values, endpoint.api_aliases.get(param.name, {})):
            yield param.name, value


def _forwarded(endpoint: Endpoint, query: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The query unchanged. Even `05` stays: whether Kalshi reads it as 5 is Kalshi's business."""
    known = {param.name for param in endpoint.query_params}
    unknown = size = 0
    for name, value in query:
        shown = name if name in known else _shown(name)
        if name not in known and not _FORWARDED_NAME.fullmatch(name):
            raise BadRequest(
                f"{shown} is no name of a parameter: letters, digits, dots, dashes, underscores."
            )
        try:
            value_bytes = len(value.encode())
        except UnicodeEncodeError:
            raise BadRequest(f"{shown} contains characters that are not allowed.") from None
        if value_bytes > MAX_VALUE_BYTES:
            raise BadRequest(f"{shown} is too long; at most {MAX_VALUE_BYTES} bytes are allowed.")
        unknown += name not in known
        size += len(name) + value_bytes
        if unknown > MAX_FORWARDED or size > MAX_QUERY_BYTES:
            raise BadRequest(
                f"The query is too long; at most {MAX_FORWARDED} unknown parameters and {MAX_QUERY_BYTES} bytes."
            )
        yield name, value


def _filled_path(endpoint: Endpoint, path_args: Mapping[str, str]) -> str:
    for name, value in path_args.items():
        if not PATH_VALUE.fullmatch(value):
            raise NotFound(f"No such {name.replace('_', ' ')}.")
    return endpoint.path.format_map(path_args)


def _grouped(endpoint: Endpoint, query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by parameter name; refuses unknown and doubled names."""
    known = {param.name: param for param in endpoint.query_params}
    given: dict[str, list[str]] = {}
    for name, value in query:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise BadRequest(f"Unknown parameter {_shown(name)}; allowed: {allowed}.")
        given.setdefault(name, []).append(value)
        if len(given[name]) > 1 and known[name].serialization != "repeat":
            raise BadRequest(f"The parameter {name} is given more than once; once is allowed.")
    return given


def _normalised(param: Param, values: list[str], aliases: Mapping[str, str | None]) -> Iterator[str]:
    if param.serialization == "repeat":
        _check_count(param, len(values))
    for value in values:
        _check_text(param, value)
        if value in aliases:
            meant = aliases[value]
            if meant is not None:
                yield meant
        elif param.serialization == "comma":
            parts = value.split(",")
            _check_count(param, len(parts))
            yield ",".join(_one(param, part, aliases) for part in parts)
        else:
            yield _one(param, value, aliases)


def _check_count(param: Param, count: int) -> None:
    if param.max_items is not None and count > param.max_items:
        raise BadRequest(f"{param.name} takes at most {param.max_items} values, not {count}.")


def _check_text(param: Param, value: str) -> None:
    # isprintable() is false for control characters, line separators and lone surrogates.
    if not value.isprintable():
        raise BadRequest(f"{param.name} contains characters that are not allowed.")
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise BadRequest(f"{param.name} is too long; at most {MAX_VALUE_BYTES} bytes are allowed.")


def _one(param: Param, value: str, aliases: Mapping[str, str | None]) -> str:
    """One value's normal form, or BadRequest."""
    if not value.strip():
        raise BadRequest(f"{param.name} is empty; give a value or leave it out.")
    if param.kind == "integer":
        number = str(_integer(param, value))
        if param.choices and number not in param.choices:
            raise BadRequest(f"{param.name} must be one of {', '.join(param.choices)}, not {_shown(value)}.")
        return number
    if param.kind == "boolean":
        if value.lower() not in ("true", "false"):
            raise BadRequest(f"{param.name} must be true or false, not {_shown(value)}.")
        return value.lower()
    if param.name.endswith(("ticker", "tickers")) and not PATH_VALUE.fullmatch(value):
        raise BadRequest(
            f"{param.name} must be a ticker (letters, digits, dots, dashes), not {_shown(value)}."
        )
    if param.choices and value not in param.choices:
        allowed = ", ".join((*param.choices, *aliases))
        raise BadRequest(f"{param.name} must be one of {allowed}, not {_shown(value)}.")
    return value


def _integer(param: Param, value: str) -> int:
    # The pattern is ASCII only: int() alone would take digits of every script, blanks and underscores.
    number = int(value) if _INTEGER.fullmatch(value) else None
    low = -_INT64 if param.minimum is None else param.minimum
    high = _INT64 - 1 if param.maximum is None else param.maximum
    if number is None or not low <= number <= high:
        raise BadRequest(f"{param.name} must be {_range(param)}, not {_shown(value)}.")
    return number


def _range(param: Param) -> str:
    if param.minimum is not None and param.maximum is not None:
        return f"a whole number from {param.minimum} to {param.maximum}"
    if param.minimum is not None:
        return f"a whole number of at least {param.minimum}"
    if param.maximum is not None:
        return f"a whole number of at most {param.maximum}"
    return "a whole number"


def _shown(text: str) -> str:
    """A caller's text as it may stand in a message: quoted, escaped and short."""
    return ascii(text if len(text) <= 40 else text[:40] + "...")
