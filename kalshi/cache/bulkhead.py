"""A few threads for one operation, so that its hanging fetches leave all other operations alone."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

IDLE_S = 30.0
"""A thread without work ends after this: each account has pools of its own, and most are seldom asked."""

_log = logging.getLogger(__name__)


class Bulkhead:
    """Runs jobs in at most `threads` threads, made when needed; at most `max_jobs` run or wait for a thread.

    Not a ThreadPoolExecutor: the interpreter joins its threads at exit, and a hanging fetch would keep the
    process alive long after it was told to stop. These are daemon threads.
    """

    def __init__(self, name: str, *, threads: int, max_jobs: int) -> None:
        self._name = name
        self._max_threads = threads
        self._max_jobs = max_jobs
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self._pending = 0
        self._closed = False

    def submit(self, job: Callable[[], None]) -> bool:
        """Whether the job will run: False when too many wait already, or after `close`."""
        with self._lock:
            if self._closed or self._pending >= self._max_jobs:
                return False
            if self._pending >= self._threads and self._threads < self._max_threads:
                name = f"kalshi-{self._name}-{self._threads}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
                self._threads += 1
            self._pending += 1
            self._jobs.put(job)
            return True

    def close(self) -> None:
        """Let the threads end after the jobs they have. Does not wait for them."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._jobs.put(None)

    def _next(self) -> Callable[[], None] | None:
        """The next job; None when this thread is to end."""
        while True:
            try:
                return self._jobs.get(timeout=IDLE_S)
            except Empty:
                with self._lock:  # `submit` may have counted on this thread just now
                    if self._jobs.empty():
                        self._threads -= 1
                        return None

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:  # noqa: BLE001  # logged, and the thread must live for the next job
                _log.exception("A job of %s failed outside its own error handling", self._name)
            finally:
                with self._lock:
                    self._pending -= 1
