"""From the signal to the end of a server process, within five seconds.

1. No connection is accepted any more. For DRAIN_S everything is answered as before, but each answer closes its
   connection. uvicorn by itself closes at once what is idle at that moment, and a client that has just sent its next
   request there loses it: under load some eight requests with every worker that is replaced.
2. Then uvicorn closes idle connections and waits for the requests under way; callers who wait for
   Kalshi get their copy or 503 when WAIT_S are over.
3. At LAST_RESORT_S, whatever still runs is cut off.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

import uvicorn

DRAIN_S = 0.5
WAIT_S = 2.5
LAST_RESORT_S = 4.7

_last_words: list[Callable[[], None]] = []


def before_cut_off(do: Callable[[], None]) -> None:
    """Have something done should this process have to be cut off, when no `finally` runs."""
    _last_words.append(do)


class Stop:
    """Stands before the server's own handlers of SIGTERM and SIGINT.

    drain: called at the signal; let_go: called with WAIT_S in a thread when the drain is over. Both at most once: a
    second signal changes nothing.
    """

    def __init__(self, *, drain: Callable[[], None], let_go: Callable[[float], None]) -> None:
        self._drain = drain
        self._let_go = let_go
        self._begun = False

    def watch(self) -> None:
        """Called in the event loop, after the server has set its handlers."""
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(ending)

            def stop(signum: int, frame: FrameType | None, before: object = before) -> None:
                del frame
                loop.call_soon_threadsafe(self._begin, loop, signum, before)

            signal.signal(ending, stop)
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=_follow, args=(parent,), name="supervisor-watch", daemon=True).start()

    def _begin(self, loop: asyncio.AbstractEventLoop, signum: int, before: object) -> None:
        if self._begun:
            return
        self._begun = True
        server = getattr(before, "__self__", None)  # uvicorn's handler is a method of its server
        if isinstance(server, uvicorn.Server):
            for listener in server.servers:
                listener.close()
        self._drain()
        threading.Thread(target=_cut_off, name="cut-off", daemon=True).start()
        loop.call_later(DRAIN_S, self._end_drain, signum, before)

    def _end_drain(self, signum: int, before: object) -> None:
        threading.Thread(target=self._let_go, args=(WAIT_S,), name="let-go", daemon=True).start()
        if callable(before):
            before(signum, None)


def _cut_off() -> None:
    time.sleep(LAST_RESORT_S)
    for do in _last_words:
        do()
    os._exit(0)


def _follow(parent: "multiprocessing.process.BaseProcess") -> None:
    """A worker whose supervisor was killed would hold the port for ever."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
