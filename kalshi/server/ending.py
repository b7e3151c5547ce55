"""How a connection ends after its last answer, so that the answer arrives.

Closed while something of its caller is still unread, or on its way, a connection is reset by the system, and what the
caller has not yet taken of the answer is lost. So only our side is closed at first. What still comes is read and thrown
away until the caller closes too, or has had its time. That holds no thread, and nothing of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MAX_THROWN_AWAY_BYTES = 256 * 1024
"""Of what comes after the last request. Beyond, the connection is reset."""
LINGER_S = 1.0
"""How long bytes are taken after the last answer was handed to the system."""


class Ending:
    """Of one connection. uvicorn's answers have it for their transport: they close it after the last of them.

    on_begin: called once, when nothing is written any more.
    """

    __slots__ = ("_loop", "_on_begin", "_thrown_away", "_timer", "_transport", "begun")

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, on_begin: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._on_begin = on_begin
        self._thrown_away = 0
        self._timer: asyncio.TimerHandle | None = None
        self.begun = False

    def write(self, data: bytes) -> None:
        if not self.begun:
            self._transport.write(data)

    def is_closing(self) -> bool:
        return self.begun or self._transport.is_closing()

    def close(self) -> None:
        """Nothing more is answered."""
        if self.is_closing():
            return
        self.begun = True
        self._on_begin()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._wait()

    def abort(self) -> None:
        """End at once, whatever is still to be written."""
        self._transport.abort()

    def throw_away(self, data: bytes) -> None:
        self._thrown_away += len(data)
        if self._thrown_away > MAX_THROWN_AWAY_BYTES:
            self._transport.abort()

    def lost(self) -> None:
        """The connection is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._timer = self._loop.call_later(LINGER_S, self._on_time)

    def _on_time(self) -> None:
        if self._transport.get_write_buffer_size():
            self._wait()  # a slow reader, who has bounds of its own
        else:
            self._transport.close()
