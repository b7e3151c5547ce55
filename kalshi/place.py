"""The place that a request takes among those that are worked on for its caller: it is free while its thread only waits
for Kalshi, so that somebody may wait for many answers and yet never has more than a few worked out at a time.
"""

import threading
from collections.abc import Callable


class _Held(threading.local):
    give_back: Callable[[], None] | None = None


_held = _Held()


def hold(give_back: Callable[[], None]) -> None:
    """This thread has a place, until `leave` or `step_aside`, which calls give_back."""
    _held.give_back = give_back


def step_aside() -> None:
    """This thread waits now for what others do; what it works out afterwards is short, or bounded elsewhere. Without a
    place, or again: nothing happens.
    """
    give_back, _held.give_back = _held.give_back, None
    if give_back is not None:
        give_back()


def leave() -> bool:
    """The work is over. Whether this thread still had its place."""
    had = _held.give_back is not None
    _held.give_back = None
    return had
