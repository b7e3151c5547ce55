"""Threads for Django that end with the process.

The interpreter joins the threads of a ThreadPoolExecutor at exit: a request that hangs in one would keep the process
alive for as long as it hangs. And it keeps all threads that it ever needed, each with its database connection: a
hundred callers who once waited for Kalshi would cost 25 MB until the process ends.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

IDLE_S = 30.0

Result = TypeVar("Result")
# The last: when it was queued, monotonic seconds.
_Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any], float]


class DaemonThreads(Executor):
    """At most `most` threads, made when all others are busy. Jobs beyond that wait.

    at_end: called in each thread that ends because nothing was to do for idle_s.
    """

    def __init__(self, most: int, *, at_end: Callable[[], None], idle_s: float = IDLE_S) -> None:
        self._most = most
        self._at_end = at_end
        self._idle_s = idle_s
        self._jobs: dict[Future[Any], _Job] = {}
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._idents: set[int] = set()
        self._ended_at = 0.0  # when a job ended last, monotonic seconds

    def submit(  # type: ignore[override]  # the base class has positional-only names
        self, job: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> "Future[Result]":
        future: Future[Result] = Future()
        with self._changed:
            self._jobs[future] = (future, job, args, kwargs, time.monotonic())
            if len(self._jobs) > self._idle and self._threads < self._most:
                threading.Thread(target=self._work, name="django", daemon=True).start()
                self._threads += 1
            else:
                self._changed.notify()
        future.add_done_callback(self._forget)
        return future

    @property
    def threads(self) -> int:
        return self._threads

    @property
    def queued(self) -> int:
        """How many jobs wait for a thread."""
        return len(self._jobs)

    def idents(self) -> set[int]:
        """Of the threads that there are."""
        with self._changed:
            return set(self._idents)

    def stands_still_s(self, now: float) -> float:
        """How long a job has been queued without any other having ended. now: monotonic seconds."""
        with self._changed:
            first = next(iter(self._jobs.values()), None)
        return 0.0 if first is None else now - max(first[-1], self._ended_at)

    def _forget(self, future: "Future[Any]") -> None:
        """What was cancelled before it began must not be kept until a thread is free."""
        if future.cancelled():
            with self._changed:
                self._jobs.pop(future, None)

    def _next(self) -> _Job | None:
        """Waits for a job; None when this thread is to end."""
        with self._changed:
            self._idle += 1
            found = self._changed.wait_for(lambda: self._jobs, self._idle_s)
            self._idle -= 1
            if not found:
                self._threads -= 1
                self._idents.discard(threading.get_ident())
                return None
            return self._jobs.pop(next(iter(self._jobs)))

    def _work(self) -> None:
        with self._changed:
            self._idents.add(threading.get_ident())
        while (taken := self._next()) is not None:
            future, job, args, kwargs, _ = taken
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job(*args, **kwargs))
                except BaseException as problem:  # noqa: BLE001 - the future carries it to who waits
                    future.set_exception(problem)
            self._ended_at = time.monotonic()
            # Nothing of a request may stay alive while the thread waits.
            del taken, future, job, args, kwargs
        self._at_end()
