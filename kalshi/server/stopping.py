"""From the signal to the end of a server process, within five seconds.

1. No connection is accepted any more. For DRAIN_S everything is answered as before, but each answer closes its
   connection. uvicorn by itself closes at once what is idle at that moment, and a client that has just sent its next
   request there loses it: under load some eight requests with every worker that is replaced.
2. Then uvicorn closes idle connections and waits for the requests under way; callers who wait for
   Kalshi get their copy or 503 when WAIT_S are over.
3. At LAST_RESORT_S, whatever still runs is cut off, wherever it stands: also a start that hangs.

During its start a server has nobody to drain: a signal ends it as soon as the start is over, and a worker whose
supervisor is gone ends at once.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from types import FrameType

import uvicorn

DRAIN_S = 0.5
WAIT_S = 2.5
LAST_RESORT_S = 4.7

ENDS = (signal.SIGTERM, signal.SIGINT)

_last_words: list[Callable[[], None]] = []


def before_cut_off(do: Callable[[], None]) -> None:
    """Have something done should this process have to be cut off, when no `finally` runs."""
    _last_words.append(do)


def watch_from_start() -> None:
    """Called in the main thread as soon as the server has set its handlers of SIGTERM and SIGINT, before its start."""
    _stand_before(None)


class Stop:
    """What a server that serves does at SIGTERM and SIGINT before its own handlers.

    drain: called at the signal; let_go: called with WAIT_S in a thread when the drain is over. Both at most once: a
    second signal neither hurries nor prolongs what the first began. Neither is called when the signal comes before the
    server listens.
    """

    def __init__(self, *, drain: Callable[[], None], let_go: Callable[[float], None]) -> None:
        self._drain = drain
        self._let_go = let_go
        self._begun = False

    def watch(self) -> None:
        """Called in the event loop, after the server has set its handlers."""
        self._loop = asyncio.get_running_loop()
        _stand_before(self)

    def begin(self, server: uvicorn.Server | None, end: Callable[[], None]) -> None:
        """Called by a handler of signals. end: tells the server to end."""
        self._loop.call_soon_threadsafe(self._begin, server, end)

    def _begin(self, server: uvicorn.Server | None, end: Callable[[], None]) -> None:
        if self._begun:
            return
        self._begun = True
        if server is not None and not server.started:
            end()
            return
        for listener in server.servers if server is not None else ():
            listener.close()
        self._loop.call_later(DRAIN_S, self._end_drain, end)
        self._drain()

    def _end_drain(self, end: Callable[[], None]) -> None:
        threading.Thread(target=self._let_go, args=(WAIT_S,), name="let-go", daemon=True).start()
        end()


class _Handler:
    """Stands before the server's own handler of one signal. stop: None until the server is about to serve."""

    def __init__(self, before: object, told: queue.SimpleQueue[None]) -> None:
        self._before = before
        self._told = told
        self.stop: Stop | None = None

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        # No lock may be taken here; putting into this kind of queue takes none of Python's.
        self._told.put(None)
        server = getattr(self._before, "__self__", None)  # uvicorn's handler is a method of its server
        if self.stop is None:
            self._end(signum)
        else:
            known = server if isinstance(server, uvicorn.Server) else None
            self.stop.begin(known, lambda: self._end(signum))

    def _end(self, signum: int) -> None:
        if callable(self._before):
            self._before(signum, None)


def _stand_before(stop: Stop | None) -> None:
    """Put our handlers before the server's, unless they are there, and have them begin this stop."""
    handlers = [signal.getsignal(ending) for ending in ENDS]
    ours = [handler for handler in handlers if isinstance(handler, _Handler)]
    if not ours:
        told: queue.SimpleQueue[None] = queue.SimpleQueue()
        ours = [_Handler(handler, told) for handler in handlers]
        threading.Thread(target=_see_to_the_end, args=(told,), name="cut-off", daemon=True).start()
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=_follow, args=(parent,), name="supervisor-watch", daemon=True).start()
    for ending, handler in zip(ENDS, ours, strict=True):
        handler.stop = stop
        signal.signal(ending, handler)


def _see_to_the_end(told: queue.SimpleQueue[None]) -> None:
    """Nothing that may go wrong stands between a signal and this."""
    told.get()
    _cut_off_in(LAST_RESORT_S)


def _follow(parent: BaseProcess) -> None:
    """A worker whose supervisor was killed would hold the port for ever."""
    parent.join()
    handler = signal.getsignal(signal.SIGTERM)
    if not isinstance(handler, _Handler) or handler.stop is None:
        _cut_off_in(0)  # nobody was served yet
    os.kill(os.getpid(), signal.SIGTERM)
    _cut_off_in(LAST_RESORT_S)


def _cut_off_in(seconds: float) -> None:
    time.sleep(seconds)
    for do in _last_words:
        do()
    os._exit(0)
