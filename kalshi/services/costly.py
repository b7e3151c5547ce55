"""Work that takes the processor and the memory of everybody: documents of many pages, exports. A few at a time.

It runs in the caller's own thread. At most SEATS run at once and PER_CALLER of one caller, so that another's question
always gets in; who has to wait takes a seat of the waiting room, as those do who wait for Kalshi. What several ask for
at the same time is made once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from kalshi.cache.waiting import Taken
from kalshi.errors import KalshiError, ShareTaken, UpstreamUnavailable, to_keep
from kalshi.services import engine
from kalshi.services.read import step_aside

SEATS = 3
PER_CALLER = 2
ASKED = 16
"""Questions of one caller that run or wait."""
BEGIN_S = 10.0
"""The longest wait for a seat."""
LONGEST_S = 60.0
"""The longest wait for what another caller's question makes already; longer than any walk."""

Result = TypeVar("Result")


def _room(caller: str) -> AbstractContextManager[Taken]:
    return engine.shared().cache.room.seat("costly", caller)


class _Job:
    """One document in the making: nobody makes it yet, somebody does, or it is done."""

    def __init__(self) -> None:
        self.wanted = 0
        self.running = False
        self.done = False
        self.result: Any = None
        self.error: Exception | None = None

    def outcome(self) -> Any:
        if self.error is not None:
            raise to_keep(self.error)
        return self.result


class Held:
    """A seat, until `end` is called or nobody has this object any more."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end: Callable[[], None] | None = end

    def end(self) -> None:
        """Again: nothing happens."""
        end, self._end = self._end, None
        if end is not None:
            end()

    __del__ = end


class Costly:
    """Thread-safe. room: where those sit who wait; begin_s: how long they do."""

    def __init__(
        self,
        *,
        room: Callable[[str], AbstractContextManager[Taken]] = _room,
        begin_s: float = BEGIN_S,
    ) -> None:
        self._room = room
        self._begin_s = begin_s
        self._changed = threading.Condition()
        self._jobs: dict[Hashable, _Job] = {}
        self._asked: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    def once(self, key: Hashable, caller: str, make: Callable[[], Result]) -> Result:
        """What `make` makes, or what it makes now for another caller with the same key; its error likewise.

        Raises ShareTaken when the caller asks for too much at once, UpstreamUnavailable when others do.
        """
        self._ask(caller)
        try:
            while True:
                with self._wanted(key) as job:
                    mine = self._begin(job, caller)
                    if mine:
                        self._make(job, caller, make)
                    if mine or not isinstance(job.error, ShareTaken):
                        result: Result = job.outcome()
                        return result
                # What made it was refused for its own caller's share; now it is our turn.
        finally:
            self._leave(caller)

    def hold(self, caller: str) -> Held:
        """A seat for work that is done after this call. Raises as `once` does."""
        self._ask(caller)
        try:
            self._begin(_Job(), caller)
        except BaseException:
            self._leave(caller)
            raise
        return Held(lambda: self._give_back(caller))

    @contextmanager
    def _wanted(self, key: Hashable) -> Iterator[_Job]:
        """The job for this key, which all share who want it before it is done."""
        with self._changed:
            job = self._jobs.get(key)
            if job is None or job.done:
                job = self._jobs[key] = _Job()
            job.wanted += 1
        try:
            yield job
        finally:
            with self._changed:
                job.wanted -= 1
                if not job.wanted and self._jobs.get(key) is job:
                    del self._jobs[key]

    def _ask(self, caller: str) -> None:
        with self._changed:
            if self._asked[caller] >= ASKED:
                raise _share_taken()
            self._asked[caller] += 1

    def _leave(self, caller: str) -> None:
        with self._changed:
            _subtract(self._asked, caller)

    def _give_back(self, caller: str) -> None:
        with self._changed:
            _subtract(self._running, caller)
            _subtract(self._asked, caller)
            self._changed.notify_all()

    def _is_free(self, caller: str) -> bool:
        return self._running.total() < SEATS and self._running[caller] < PER_CALLER

    def _claim(self, job: _Job, caller: str) -> bool:
        """Whether this caller runs it from now on. Under the lock."""
        if job.done or job.running or not self._is_free(caller):
            return False
        job.running = True
        self._running[caller] += 1
        return True

    def _begin(self, job: _Job, caller: str) -> bool:
        """Wait until this caller may run it: True; or until another one has: False."""
        with self._changed:
            if self._claim(job, caller):
                return True
            if job.done:
                return False
        with self._room(caller) as taken:
            if taken == "share":
                raise _share_taken()
            if taken == "full":
                raise _busy()
            step_aside()
            with self._changed:
                self._changed.wait_for(
                    lambda: job.done or job.running or self._is_free(caller), self._begin_s
                )
                if job.running:
                    self._changed.wait_for(lambda: job.done, LONGEST_S)
                if self._claim(job, caller):
                    return True
                if job.done:
                    return False
                raise _share_taken() if self._running[caller] >= PER_CALLER else _busy()

    def _make(self, job: _Job, caller: str, make: Callable[[], Any]) -> None:
        try:
            job.result = make()
        except BaseException as error:
            job.error = to_keep(error)  # those who wait for it must hear of it as well
            raise
        finally:
            with self._changed:
                job.done = True
                _subtract(self._running, caller)
                self._changed.notify_all()


def _subtract(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]


def _share_taken() -> KalshiError:
    return ShareTaken("You ask for too many large documents at once; wait for the first.", retry_after_s=2)


def _busy() -> KalshiError:
    return UpstreamUnavailable("Too many large documents are in the making; try again.", retry_after_s=2)


work = Costly()
