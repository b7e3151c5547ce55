"""Threads for Django that end with the process.

The interpreter joins the threads of a ThreadPoolExecutor at exit: a request that hangs in one would keep the process
alive for as long as it hangs. And it keeps all threads that it ever needed, each with its database connection: a
hundred callers who once waited for Kalshi would cost 25 MB until the process ends.

Of one caller a few jobs are worked on at a time (kalshi.server.lines), not counting those that only wait for Kalshi
(kalshi.place): all threads take turns at one processor, the event loop's among them.
"""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, NamedTuple, TypeVar

from kalshi import place
from kalshi.server.lines import Lines

IDLE_S = 30.0

Result = TypeVar("Result")


class _Job(NamedTuple):
    """queued_at: monotonic seconds."""

    future: "Future[Any]"
    who: Hashable
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]
    queued_at: float


class DaemonThreads(Executor):
    """At most `most` threads, made when all others are busy. Jobs beyond that wait, and those of a caller beyond
    what `lines` allow.

    at_end: called in each thread that ends because nothing was to do for idle_s.
    """

    def __init__(
        self,
        most: int,
        *,
        at_end: Callable[[], None],
        idle_s: float = IDLE_S,
        lines: "Lines[Future[Any]] | None" = None,
    ) -> None:
        self._most = most
        self._at_end = at_end
        self._idle_s = idle_s
        self._jobs: dict[Future[Any], _Job] = {}  # those that have a place
        self._in_line: dict[Future[Any], _Job] = {}
        self._lines: Lines[Future[Any]] = Lines() if lines is None else lines
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._idents: set[int] = set()
        self._ended_at = 0.0  # when a job ended last, monotonic seconds

    def submit(  # type: ignore[override]  # the base class has positional-only names
        self, job: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> "Future[Result]":
        """For nobody, who has no bound."""
        return self.submit_for(None, job, *args, **kwargs)

    def submit_for(
        self, who: Hashable, job: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> "Future[Result]":
        """who: whose share it takes. Raises LineFull."""
        future: Future[Result] = Future()
        queued = _Job(future, who, job, args, kwargs, time.monotonic())
        with self._changed:
            if self._lines.join(who, future):
                self._jobs[future] = queued
                self._find_thread()
            else:
                self._in_line[future] = queued
        future.add_done_callback(partial(self._forget, who))
        return future

    @property
    def threads(self) -> int:
        return self._threads

    @property
    def queued(self) -> int:
        """How many jobs wait for a thread."""
        return len(self._jobs) + len(self._in_line)

    def idents(self) -> set[int]:
        """Of the threads that there are."""
        with self._changed:
            return set(self._idents)

    def stands_still_s(self, now: float) -> float:
        """How long a job has been queued without any other having ended. now: monotonic seconds."""
        with self._changed:
            since = [job.queued_at for job in self._jobs.values()]
            since += [self._in_line[first].queued_at for first in self._lines.first_of_each()]
        return max(0.0, now - max(min(since), self._ended_at)) if since else 0.0

    def _find_thread(self) -> None:
        """For a job that was put to the others. Under the lock."""
        if len(self._jobs) > self._idle and self._threads < self._most:
            threading.Thread(target=self._work, name="django", daemon=True).start()
            self._threads += 1
        else:
            self._changed.notify()

    def _give_back(self, who: Hashable) -> bool:
        """A place of theirs; whether a job of theirs got it. Under the lock."""
        future = self._lines.leave(who)
        if future is None:
            return False
        self._jobs[future] = self._in_line.pop(future)
        return True

    def _step_aside(self, who: Hashable) -> None:
        """This thread waits for others; somebody else is to do what is next in line."""
        with self._changed:
            if self._give_back(who):
                self._find_thread()

    def _forget(self, who: Hashable, future: "Future[Any]") -> None:
        """What was cancelled before it began must not be kept until a thread is free."""
        if not future.cancelled():
            return
        with self._changed:
            if self._jobs.pop(future, None) is not None:
                if self._give_back(who):
                    self._find_thread()
            elif self._in_line.pop(future, None) is not None:
                self._lines.give_up(who, future)

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
            who = taken.who
            place.hold(partial(self._step_aside, who))
            _do(taken)
            self._ended_at = time.monotonic()
            # Nothing of a request may stay alive while the thread waits.
            del taken
            if place.leave():
                with self._changed:
                    self._give_back(who)  # this thread is free for it now
        self._at_end()


def _do(job: _Job) -> None:
    if job.future.set_running_or_notify_cancel():
        try:
            job.future.set_result(job.work(*job.arguments, **job.options))
        except BaseException as problem:  # noqa: BLE001 - the future carries it to who waits
            job.future.set_exception(problem)
        finally:
            # The exception holds this frame, which would live on with the request until a full collection.
            del job
