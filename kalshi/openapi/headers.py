"""The headers of our answers, as components of the document."""

from __future__ import annotations

from collections.abc import Iterable

from kalshi.openapi.bodies import Schema, ref

_SECONDS = {"type": "integer", "minimum": 0}

# By component: what the header is called in an answer is the name behind the last dot.
HEADERS: dict[str, Schema] = {
    "Age": {
        "description": "Seconds since Kalshi gave this body; not there when they are unknown.",
        "schema": _SECONDS,
    },
    "ETag": {
        "description": "Of the body, for If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-f]{32}"$'},
    },
    "Cache-Control": {
        "description": "`max-age`: the fresh time in seconds, 0 without `Age`; `stale-if-error`: the keep time.",
        "required": True,
        "schema": {
            "type": "string",
            "pattern": r"^private, max-age=[0-9.e+]+, stale-if-error=[0-9.e+]+$",
        },
    },
    "Cache-Status": {
        "description": "Where the answer is from (RFC 9211). Stale exactly when `ttl` is negative; `detail` tells why.",
        "required": True,
        "schema": {
            "type": "string",
            "pattern": r"^kalshi; (hit; ttl=-?[0-9]+(; detail=\w+)?|fwd=\w+(; stored|; collapsed)?)$",
        },
    },
    "Vary": {
        "description": "A cache in between must not give one caller's answer to another.",
        "required": True,
        "schema": {"type": "string", "pattern": "Authorization"},
    },
    "X-Request-ID": {
        "description": "Stands in our log lines about this request.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{8,64}$"},
    },
    "Retry-After": {
        "description": "Whole seconds after which asking again makes sense; there where waiting helps.",
        "schema": _SECONDS,
    },
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "enum": ["Bearer"]}},
    "no-store.Cache-Control": {"required": True, "schema": {"type": "string", "enum": ["no-store"]}},
    "RateLimit": {
        "description": '`"key"`: what is left of the virtual key\'s own limit, if it has one; `"account"`: the read '
        "budget at Kalshi, told when it is spent.",
        "schema": {"type": "string", "pattern": '^"(key|account)";r=[0-9]+;t=[0-9]+$'},
    },
    "RateLimit-Policy": {
        "description": "q requests in w seconds for this virtual key, if it has a limit.",
        "schema": {"type": "string", "pattern": '^"key";q=[0-9]+;w=[0-9]+$'},
    },
}

# Of every answer that has a body of Kalshi's, or says that it is unchanged.
FRESHNESS = ("Age", "ETag", "Cache-Control", "Cache-Status", "Vary", "X-Request-ID")
ERROR = ("no-store.Cache-Control", "Vary", "X-Request-ID")
LIMIT = ("RateLimit-Policy", "RateLimit")


def refs(names: Iterable[str]) -> Schema:
    return {name.rpartition(".")[2]: ref(name, "headers") for name in names}
