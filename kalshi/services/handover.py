"""What a view tells the edge about the answer it gave, through the ASGI scope that both can see.

Under another server, or without the edge in front, there is no such scope and nothing is told.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from kalshi.limits.breakers import OperationBreaker
from kalshi.services.read import Reading
from kalshi.services.signed_requests import PublicKey

SCOPE_NAME = "kalshi.answered"
ROUTE_NAME = "kalshi.route"
CALLER_NAME = "kalshi.caller"


@dataclass(frozen=True, slots=True)
class Answered:
    """The caller was let in, Kalshi is asked as this identity for it, and the answer was that of this cache key.

    identity: that of the reading; breaker: that of the operation and its host; caller: as `tell_caller` said it;
    signer: the public key with which the caller signed, None for all others.
    """

    key: str
    operation: str
    identity: str
    breaker: OperationBreaker
    caller: str
    signer: PublicKey | None = None


def expect(scope: MutableMapping[str, Any]) -> list[Answered]:
    """Make room in an ASGI scope; what is told turns up in the list."""
    told: list[Answered] = []
    scope[SCOPE_NAME] = told
    return told


def tell(
    environ: Mapping[str, Any], reading: Reading, operation: str, signer: PublicKey | None = None
) -> None:
    """Called by a view that answered; environ is the WSGI environment of its request.

    Not to be called when the answer depends on more than credential, cookies, address and X-Kalshi-Account.
    """
    scope = environ.get("asgi.scope", {})
    told = scope.get(SCOPE_NAME)
    if told is not None:
        breaker = reading.engine.breakers.of(operation)
        told.append(Answered(reading.key, operation, reading.identity, breaker, scope[CALLER_NAME], signer))


def tell_caller(environ: Mapping[str, Any], name: str) -> None:
    """Whose credential the request came with; called when it was found good, whatever the answer will be."""
    scope = environ.get("asgi.scope")
    if scope is not None:
        scope[CALLER_NAME] = name


def caller(scope: Mapping[str, Any]) -> str | None:
    """What `tell_caller` said; None: nobody who is signed in."""
    name: str | None = scope.get(CALLER_NAME)
    return name


def tell_route(environ: Mapping[str, Any], route: str) -> None:
    """Which URL pattern took the request, by its name: a word from our own tables, whatever the path was."""
    scope = environ.get("asgi.scope")
    if scope is not None:
        scope[ROUTE_NAME] = route


def route(scope: Mapping[str, Any]) -> str:
    """What `tell_route` said; "none" for what no view answered (static files, refused hosts)."""
    told: str = scope.get(ROUTE_NAME, "none")
    return told
