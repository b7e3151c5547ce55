"""Bounds how long a connection may leave an answer unread, and what all of them together may leave: uvicorn waits for
ever, and keeps all of it.

Unread is what the system has not taken: it keeps some megabytes of its own for each connection, and bounds those.
"""

from __future__ import annotations

import asyncio

from kalshi.server.bounded import BoundedProtocol
from kalshi.server.held_bytes import HeldBytes

STALL_S = 20.0
"""A reader that has not taken LEAST_BYTES of what waits for it in this time is given up."""
LEAST_BYTES = 16 * 1024
MAX_UNREAD_BYTES = 64 * 1024 * 1024
"""Of all connections of a process. Beyond, the one that has left the most is closed."""


unread = HeldBytes()


class ReadersProtocol(BoundedProtocol):
    """Its transport pauses it as soon as something stays unread, and resumes it when nothing is.

    Nothing more is written meanwhile, so a timer that runs between the two sees every slow reader, also of an answer
    that is complete, and of a connection that is being closed.
    """

    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.set_write_buffer_limits(high=0)
        super().connection_made(transport)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()
        unread.cut_down(MAX_UNREAD_BYTES)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def give_up(self) -> None:
        self._stop_waiting()
        super().give_up()

    def _wait_for_reader(self) -> None:
        count = self.transport.get_write_buffer_size()
        unread.note(self, count)
        self._stall = self.loop.call_later(STALL_S, self._on_stall, count)

    def _on_stall(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - LEAST_BYTES:
            self.give_up()
        else:
            self._wait_for_reader()

    def _stop_waiting(self) -> None:
        unread.forget(self)
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
