"""Of many requests that only wait to be let in, one is checked by Django, and the others hear how that ended.

Without it a caller who comes with many connections after a pause would be checked as often as there are connections.
Nobody is let in by having waited: whoever waited asks once more what the edge may answer; if nothing, Django is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from kalshi.edge.question import Caller

WAIT_S = 1.0
"""Nobody waits longer for somebody else's check, nor for one that has taken longer already."""


class Checks:
    """Those that run, at most one for each caller. Used by the event loop alone."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self._wait_s = wait_s
        self._running: dict[Caller, tuple[float, asyncio.Event]] = {}

    async def waited(self, caller: Caller) -> bool:
        """Wait until the check of this caller that runs is over, but not for long. False: there was none."""
        began_at, over = self._running.get(caller, (0.0, None))
        left_s = began_at + self._wait_s - time.monotonic()
        if over is None or left_s <= 0:
            return False
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), left_s)
        return True

    def begin(self, caller: Caller) -> asyncio.Event:
        """This request goes to be checked. The event is to be handed to `end`, whatever becomes of the request."""
        over = asyncio.Event()
        self._running[caller] = time.monotonic(), over
        return over

    def end(self, caller: Caller, over: asyncio.Event) -> None:
        """Django answered, or the request is over. Again: nothing happens."""
        over.set()
        if self._running.get(caller, (0.0, None))[1] is over:
            del self._running[caller]
