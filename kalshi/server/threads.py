"""Threads for Django that end with the process.

The interpreter joins the threads of a ThreadPoolExecutor at exit: a request that hangs in one would keep the process
alive for as long as it hangs.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")
_Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class DaemonThreads(Executor):
    """At most `most` threads, made when all others are busy. Jobs beyond that wait."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._made = 0
        self._lock = threading.Lock()

    def submit(  # type: ignore[override]  # the base class has positional-only names
        self, job: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> "Future[Result]":
        future: Future[Result] = Future()
        self._jobs.put((future, job, args, kwargs))
        if not self._idle.acquire(blocking=False):
            with self._lock:
                if self._made < self._most:
                    self._made += 1
                    name = f"django-{self._made}"
                    threading.Thread(target=self._work, name=name, daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            future, job, args, kwargs = self._jobs.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job(*args, **kwargs))
                except BaseException as problem:  # noqa: BLE001 - the future carries it to who waits
                    future.set_exception(problem)
            del future, job, args, kwargs
            self._idle.release()
