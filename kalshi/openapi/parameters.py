"""The parameters of an operation: those of the table, and those that every operation has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kalshi.openapi.bodies import Schema, described, examples
from kalshi.upstream.endpoints import Endpoint, Param
from kalshi.upstream.params import MAX_VALUE_BYTES, PATH_VALUE
from kalshi.views.base import ACCOUNT_PARAM, SLUG

_INT64 = 2**63
_TICKER = {"type": "string", "pattern": f"^{PATH_VALUE.pattern}$"}
_SLUG = {"type": "string", "pattern": f"^{SLUG.pattern}$"}

ACCOUNT_HEADER = {
    "name": "X-Kalshi-Account",
    "in": "header",
    "description": "The account that the request is about, by its slug; unnamed: the only or the default one.",
    "schema": _SLUG,
}
ACCOUNT = ACCOUNT_HEADER | {
    "name": ACCOUNT_PARAM,
    "in": "query",
    "description": "The same as X-Kalshi-Account; if both are given, they must agree.",
}
NO_CACHE = {
    "name": "Cache-Control",
    "in": "header",
    "description": "`no-cache` has Kalshi asked at once, once in two seconds at most; all else is ignored.",
    "schema": {"type": "string", "examples": ["no-cache"]},
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of the copy that you have: an unchanged body is a 304.",
    "schema": {"type": "string", "examples": ['"fc42eee8be135eb5e0e153123e58f1df"']},
}
HISTORY = {
    "name": "history",
    "in": "query",
    "description": "`true`: continue in Kalshi's archive; the answer then has the member `history`.",
    "schema": {"type": "boolean", "enum": [True]},
}


def of_our_api(endpoint: Endpoint, *, history: bool) -> list[Schema]:
    """What our own API takes: what lies outside is a 400, without a question to Kalshi."""
    ours = [_parameter(endpoint, param, strict=True) for param in endpoint.params]
    return [*ours, *([HISTORY] if history else []), ACCOUNT, ACCOUNT_HEADER, NO_CACHE, IF_NONE_MATCH]


def of_the_gateway(endpoint: Endpoint) -> list[Schema]:
    """What Kalshi takes; everything goes there as it is, and Kalshi judges it."""
    theirs = [_parameter(endpoint, param, strict=False) for param in endpoint.params]
    return [*theirs, ACCOUNT, ACCOUNT_HEADER, NO_CACHE, IF_NONE_MATCH]


def _parameter(endpoint: Endpoint, param: Param, *, strict: bool) -> Schema:
    made: Schema = {"name": param.name, "in": param.where}
    if param.required:
        made["required"] = True
    one = _one(endpoint, param, strict=strict)
    if param.serialization == "plain":
        made["schema"] = one | dict(_default(endpoint, param, strict=strict))
    else:
        made |= {"style": "form", "explode": param.serialization == "repeat"}
        made["schema"] = {"type": "array", "items": one, "minItems": 1}
        if param.max_items is not None:
            made["schema"]["maxItems"] = param.max_items
    asked = examples().get(endpoint.operation, {}).get(param.where, {})
    if param.name in asked:
        made["example"] = asked[param.name]
    return made


def _one(endpoint: Endpoint, param: Param, *, strict: bool) -> Schema:
    """One value."""
    if param.kind == "boolean":
        return {"type": "boolean"}
    if param.kind == "integer":
        if param.choices:
            return {"type": "integer", "enum": [int(choice) for choice in param.choices]}
        low = -_INT64 if param.minimum is None else param.minimum
        high = _INT64 - 1 if param.maximum is None else param.maximum
        return {"type": "integer", "format": "int64", "minimum": low, "maximum": high}
    if param.choices:
        aliases = endpoint.api_aliases.get(param.name, {}) if strict else {}
        return {"type": "string", "enum": [*param.choices, *aliases]}
    if param.where == "path" or (strict and param.name.endswith(("ticker", "tickers"))):
        return _TICKER
    return {"type": "string", "minLength": 1, "maxLength": MAX_VALUE_BYTES} | (
        {"pattern": r"\S"} if strict else {}
    )


def _default(endpoint: Endpoint, param: Param, *, strict: bool) -> Iterator[tuple[str, Any]]:
    """Ours where we have one, else Kalshi's."""
    if strict and param.name in endpoint.api_defaults:
        yield "default", _typed(param, endpoint.api_defaults[param.name])
        return
    for known in described(endpoint.operation).get("parameters", ()):
        if known["name"] == param.name and "default" in known:
            yield "default", known["default"]


def _typed(param: Param, text: str) -> str | int | bool:
    if param.kind == "boolean":
        return text == "true"
    return int(text) if param.kind == "integer" else text
