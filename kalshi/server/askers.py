"""Whose share of the threads a request takes, told by its bytes: before a thread is taken, nobody has judged them.

Whoever came with the same credential a moment ago is the caller that was found then. All others are strangers of their
network; those who show a credential are counted apart from those who show none, as connections are. So whoever sends
ever new credentials, good or bad, has the share of one network and no more.

Used by the event loop alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from kalshi.byte_table import ByteTable, size_of
from kalshi.networks import network_of
from kalshi.server.connections import Group, Held

NAMES_BYTES = 4 * 2**20

_TOKEN, _COOKIE, _KEY = range(3)
_CREDENTIALS = {b"authorization": _TOKEN, b"cookie": _COOKIE, b"kalshi-access-key": _KEY}

STRANGERS: frozenset[Hashable] = frozenset({Held.STRANGER, Held.JUDGED})


def crowd_of(group: Hashable) -> Hashable | None:
    """Anybody has as many networks as they like: those who show no credential, and those who show one that nobody knows
    yet, are a crowd each. None: a caller who is known, or nobody.
    """
    held = group[0] if isinstance(group, tuple) else None
    return held if held in STRANGERS else None


# The values of the three headers as sent, and the network of who signed: the id of a key is no secret.
Shown = tuple[bytes | str | None, ...]


class Askers:
    """Callers by what they showed. What is remembered lets nobody in: it only tells whose share is taken."""

    def __init__(self, max_bytes: int = NAMES_BYTES) -> None:
        self._names: ByteTable[Shown, str] = ByteTable(max_bytes)

    def group(self, scope: Mapping[str, Any]) -> Group:
        shown, network = _read(scope)
        if shown is None:
            return Held.STRANGER, network
        name = self._names.get(shown)
        return (Held.JUDGED, network) if name is None else (Held.CALLER, name)

    def judged(self, scope: Mapping[str, Any], caller: str | None) -> None:
        """The request is answered. caller: whose credential it came with, None: nobody's."""
        shown, _ = _read(scope)
        if shown is None:
            return
        if caller is None:
            self._names.pop(shown)
        elif self._names.get(shown) != caller:
            self._names.put(shown, caller, size_of(shown, caller))


def _read(scope: Mapping[str, Any]) -> tuple[Shown | None, str]:
    """(what was shown, the network). A header that is there twice counts as it stands last."""
    network = network_of(scope["client"][0] if scope.get("client") else "-")
    values: list[bytes | None] = [None, None, None]
    for name, value in scope["headers"]:
        number = _CREDENTIALS.get(name)
        if number is not None:
            values[number] = value
    if not any(values):
        return None, network
    return (*values, "" if values[_KEY] is None else network), network
