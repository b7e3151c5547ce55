"""The threads that fetch for one account: a few for each operation, so that hanging fetches leave all others alone.

Within an operation the callers take turns, however many questions one of them has; and one caller's fetches never take
all threads of an operation, nor more of the account's budget ahead than the next caller can wait for.
"""

import logging
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from kalshi.cache.waiting import Seats, Taken

IDLE_S = 30.0
"""A thread without work ends after this: each account has threads of its own, and most are seldom asked."""
PER_CALLER = 10
"""Fetches of one caller that run at a time; each may have reserved a part of the budget."""

Job = Callable[[], None]
_log = logging.getLogger(__name__)


class _Pool:
    """One operation: its threads, and what waits for them by caller, the caller whose turn is next first."""

    def __init__(self, name: str, lock: threading.Lock, max_jobs: int) -> None:
        self.name = name
        self.changed = threading.Condition(lock)
        self.waiting: OrderedDict[str, deque[Job]] = OrderedDict()
        self.jobs = Seats(max_jobs)
        self.running: Counter[str] = Counter()
        self.threads = 0


class Crew:
    """Runs jobs in at most `threads` threads for each pool, made when needed; at most `max_jobs` of a pool run or wait.
    The caller "" is this process itself: it takes turns, and has no share.

    Not a ThreadPoolExecutor: the interpreter joins its threads at exit, and a hanging fetch would keep the
    process alive long after it was told to stop. These are daemon threads.
    """

    def __init__(self, lane: str, *, threads: int, max_jobs: int) -> None:
        self._lane = lane
        self._max_threads = threads
        self._max_jobs = max_jobs
        self._per_caller_and_pool = max(1, threads // 2)
        self._lock = threading.Lock()
        self._pools: dict[str, _Pool] = {}
        self._running: Counter[str] = Counter()
        self._closed = False

    def submit(self, pool: str, job: Job, caller: str = "") -> Taken:
        """Whether the job will run. Not when too many wait already, when most of those are the caller's own, or after
        `close`. RuntimeError when the system has no thread left.
        """
        with self._lock:
            if self._closed:
                return "full"
            if pool not in self._pools:
                self._pools[pool] = _Pool(pool, self._lock, self._max_jobs)
            place = self._pools[pool]
            if place.jobs.taken >= place.threads and place.threads < self._max_threads:
                name = f"kalshi-{pool}{self._lane and '@' + self._lane}-{place.threads}"
                threading.Thread(target=self._work, args=(place,), name=name, daemon=True).start()
                place.threads += 1
            taken = place.jobs.take(caller)
            if taken == "taken":
                place.waiting.setdefault(caller, deque()).append(job)
                place.changed.notify()
            return taken

    def close(self) -> None:
        """Let the threads end after the jobs they have. Does not wait for them."""
        with self._lock:
            self._closed = True
            for place in self._pools.values():
                place.changed.notify_all()

    def _turn(self, place: _Pool) -> str | None:
        """Whose job is next: of the callers who may have one more running, one who has the fewest."""
        free = [
            caller
            for caller in place.waiting
            if not caller
            or (self._running[caller] < PER_CALLER and place.running[caller] < self._per_caller_and_pool)
        ]
        return min(free, key=lambda caller: place.running[caller], default=None)

    def _next(self, place: _Pool) -> tuple[str, Job] | None:
        """A caller and its job; None when this thread is to end."""
        with self._lock:
            while (caller := self._turn(place)) is None:
                if self._closed and not place.waiting:
                    break
                woken = place.changed.wait(IDLE_S)
                if not woken and not place.waiting:
                    break
            if caller is None:
                place.threads -= 1
                return None
            jobs = place.waiting[caller]
            job = jobs.popleft()
            if jobs:
                place.waiting.move_to_end(caller)
            else:
                del place.waiting[caller]
            self._running[caller] += 1
            place.running[caller] += 1
            return caller, job

    def _ended(self, place: _Pool, caller: str) -> None:
        with self._lock:
            place.jobs.give(caller)
            for running in (self._running, place.running):
                running[caller] -= 1
                if not running[caller]:
                    del running[caller]
            for other in self._pools.values():
                if caller in other.waiting:
                    other.changed.notify()

    def _work(self, place: _Pool) -> None:
        while (turn := self._next(place)) is not None:
            caller, job = turn
            try:
                job()
            except Exception:  # noqa: BLE001  # logged, and the thread must live for the next job
                _log.exception("A job of %s failed outside its own error handling", place.name)
            finally:
                self._ended(place, caller)
            # Nothing of a fetch may stay alive while the thread waits.
            del turn, caller, job
