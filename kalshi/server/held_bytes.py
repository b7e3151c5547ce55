"""What connections make this process keep, in bytes, and which of them the most."""

from __future__ import annotations

from typing import Protocol


class Holder(Protocol):
    def give_up(self) -> None:
        """Close at once, and drop what is kept. Has itself forgotten."""


class HeldBytes:
    """By connection. Used by the event loop alone."""

    def __init__(self) -> None:
        self._held: dict[Holder, int] = {}
        self.total = 0

    def note(self, connection: Holder, count: int) -> None:
        self.forget(connection)
        self._held[connection] = count
        self.total += count

    def forget(self, connection: Holder) -> None:
        self.total -= self._held.pop(connection, 0)

    def cut_down(self, most_bytes: int) -> None:
        """Give up the largest until this bound holds; of several as large the one that was noted first."""
        while self.total > most_bytes:
            max(self._held, key=self._held.__getitem__).give_up()
