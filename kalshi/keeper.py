"""A thread that repeats a small job while there is something to do, and ends when there has been nothing."""

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Keeper:
    """Calls `job` every `every_s` seconds until it said `idle_turns` times that nothing was left to do.

    job: returns whether there is something to do still; its exceptions are logged and end nothing.
    """

    def __init__(self, name: str, job: Callable[[], bool], *, every_s: float, idle_turns: int = 25) -> None:
        self._name = name
        self._job = job
        self._every_s = every_s
        self._idle_turns = idle_turns
        self._lock = threading.Lock()
        self._running = False
        self._closed = threading.Event()

    def wake(self) -> None:
        """See to it that the thread runs. Cheap when it does. Call after the work was noted down."""
        if self._running:
            return
        with self._lock:
            if self._running or self._closed.is_set():
                return
            try:
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
            except RuntimeError:  # the system has no thread left; the next caller tries again
                _log.exception("No thread for %s", self._name)
                return
            self._running = True

    def close(self) -> None:
        """No more turns; one that is under way is not waited for."""
        self._closed.set()

    def _work(self) -> None:
        idle = 0
        while not self._closed.wait(self._every_s):
            try:
                busy = self._job()
            except Exception:  # noqa: BLE001  # logged, and the thread must live for the next turn
                _log.exception("A turn of %s failed", self._name)
                busy = True
            idle = 0 if busy else idle + 1
            if idle >= self._idle_turns:
                with self._lock:
                    self._running = False
                # Work noted between the last turn and this line found the thread running: look once more.
                if self._job():
                    self.wake()
                return
