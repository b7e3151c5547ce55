"""Whether the threads of a pool stand still by a fault of ours, so that only a restart helps.

They do when a job has been queued for more than STUCK_S, none has ended meanwhile, and no thread waits for somebody
else: Kalshi, the database or Redis. Waits for these end by time-outs of their own, or with an outage that a restart
would not end. Which threads wait so is read from their stacks, and only when the pool looks dead: nothing has to report
its waits, so none can be forgotten, and none costs anything.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from types import FrameType

from kalshi.server.threads import DaemonThreads

STUCK_S = 10.0

# A thread waits for somebody else while one of these is on its stack: a module with all that is in it, or one function.
_ELSEWHERE = ("django.db.backends", "psycopg", "psycopg_pool", "redis", "kalshi.upstream")
_WAITS = frozenset({("kalshi.cache.readthrough", "_wait")})

log = logging.getLogger("kalshi.server")


def is_dead(pool: DaemonThreads, now: float | None = None) -> bool:
    """now: monotonic seconds. Logs where the threads are when it is."""
    if pool.stands_still_s(time.monotonic() if now is None else now) <= STUCK_S:
        return False
    frames = sys._current_frames()
    stacks = [list(_stack(frames[ident])) for ident in pool.idents() if ident in frames]
    if any(_waits_for_others(frame) for stack in stacks for frame in stack):
        return False
    places = Counter(f"{_module(stack[0])}:{stack[0].f_lineno}" for stack in stacks)
    log.critical("The server's threads stand still, most of them in %s.", dict(places.most_common(3)))
    return True


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _waits_for_others(frame: FrameType) -> bool:
    module = _module(frame)
    return (module, frame.f_code.co_name) in _WAITS or any(
        module == name or module.startswith(f"{name}.") for name in _ELSEWHERE
    )
