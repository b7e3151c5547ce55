"""Who holds how many connections of this process: no stranger keeps the others out.

A connection is a stranger's until one of its requests showed a valid credential; from then on it is that caller's.
While a credential that nobody has judged yet is being judged, it counts apart: a program may begin with two hundred
connections at once. Where a group has more than its share, its oldest connection is closed, never the newcomer; so is
the oldest of all strangers where they have too many together, since anybody has as many addresses as they like. Where
everybody has too many together, whoever has the most loses the oldest; all strangers count as one for that.

Behind a trusted proxy, whose connections carry everybody's requests, what is counted is a request under way, as the
forwarded address's; connections of the proxy that carry none are not counted.

Used by the event loop alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from itertools import islice
from typing import Protocol


class Held(Enum):
    """By whom a connection is held, and how many each of them may hold."""

    STRANGER = 64
    JUDGED = 256
    CALLER = 2_048


class Connection(Protocol):
    def cut(self) -> None:
        """Close at once, whatever is under way."""


Group = tuple[Held, Hashable]

STRANGERS = 4_096
"""Connections of all strangers together, and requests of theirs that trusted proxies carry."""
TOGETHER = 49_152
"""Connections of everybody."""

# How many times its share a group may hold for a moment, until `trim` is called.
BURST = 4


class Connections:
    """Groups of connections, each in the order in which they joined it.

    strangers: how many all of them may have together; caller: one caller; together: all.
    """

    def __init__(
        self, strangers: int = STRANGERS, caller: int = Held.CALLER.value, together: int = TOGETHER
    ) -> None:
        self._most_strangers = strangers
        self._most = {held: held.value for held in Held} | {Held.CALLER: caller}
        self._most_together = together
        self._strangers: dict[Connection, None] = {}
        self._groups: dict[Group, dict[Connection, None]] = {}
        self._group_of: dict[Connection, Group] = {}

    def join(self, connection: Connection, held: Held, holder: Hashable) -> bool:
        """Count a connection for this holder, and no more for another. True: the group is over its share now, and
        `trim` should be called as soon as those who just came had the time to say who they are.
        """
        self.leave(connection)
        group = (held, holder)
        members = self._groups.setdefault(group, {})
        members[connection] = None
        self._group_of[connection] = group
        self._cut_down(group, self._most[held] * BURST)
        if held is not Held.CALLER:
            self._strangers[connection] = None
            self._cut_oldest(self._strangers, self._most_strangers)
        while len(self._group_of) > self._most_together:
            largest = self._largest()
            self._cut_oldest(largest, len(largest) - 1)
        return len(members) > self._most[held]

    def leave(self, connection: Connection) -> None:
        """It is closed, or carries no request any more."""
        group = self._group_of.pop(connection, None)
        if group is not None:
            self._strangers.pop(connection, None)
            members = self._groups[group]
            del members[connection]
            if not members:
                del self._groups[group]

    def trim(self, held: Held, holder: Hashable) -> None:
        """Close the oldest connections that a holder has beyond its share."""
        self._cut_down((held, holder), self._most[held])

    def _largest(self) -> dict[Connection, None]:
        """Of all strangers, and of each caller."""
        callers = (members for (held, _), members in self._groups.items() if held is Held.CALLER)
        return max((self._strangers, *callers), key=len)

    def _cut_down(self, group: Group, most: int) -> None:
        self._cut_oldest(self._groups.get(group, {}), most)

    def _cut_oldest(self, members: dict[Connection, None], most: int) -> None:
        if len(members) > most:
            for connection in list(islice(members, len(members) - most)):
                self.leave(connection)
                connection.cut()
