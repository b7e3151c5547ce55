"""A scripted upstream, a clock to turn, and callers in threads: what the read-through tests are made of."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from kalshi.cache.policy import Policy
from kalshi.cache.readthrough import Answer, ReadThrough
from kalshi.cache.store import Store

DEADLINE_S = 20.0
POLICY = Policy(fresh_s=60, keep_s=3600, patience_s=DEADLINE_S)
IMPATIENT = Policy(fresh_s=60, keep_s=3600, patience_s=0.02)


class Upstream:
    """Answers `body` with status 200, or raises `error`; `hold()` makes it hang until `let_go()`."""

    def __init__(self) -> None:
        self.body = b'{"n":1}'
        self.status = 200
        self.error: BaseException | None = None
        self.loads = 0
        self.threads: set[str] = set()
        self._lock = threading.Lock()
        self._free = threading.Event()
        self._free.set()
        self._arrived = threading.Semaphore(0)

    def load(self) -> tuple[int, bytes]:
        with self._lock:
            self.loads += 1
            self.threads.add(threading.current_thread().name)
        self._arrived.release()
        assert self._free.wait(DEADLINE_S)
        if self.error is not None:
            raise self.error
        return self.status, self.body

    def hold(self) -> None:
        self._free.clear()

    def let_go(self) -> None:
        self._free.set()

    def await_load(self) -> None:
        """Until one more load has begun."""
        assert self._arrived.acquire(timeout=DEADLINE_S)


class Drill:
    """A read-through over a store, with a clock that stands still until it is turned."""

    def __init__(self, store: Store, max_waiting: int = 400) -> None:
        self.now = 1_000_000.0
        self.upstream = Upstream()
        self.store = store
        self.through = ReadThrough(store, clock=lambda: self.now, max_waiting=max_waiting)

    def read(
        self, policy: Policy = POLICY, key: str = "key", pool: str = "get_balance", **options: Any
    ) -> Answer:
        return self.through.read(
            key,
            policy,
            options.pop("load", self.upstream.load),
            pool=pool,
            **({"wait_s": DEADLINE_S} | options),
        )

    def warm(self, age_s: float = 0.0, body: bytes = b'{"n":0}', key: str = "key") -> None:
        """Put a copy of this age into the cache, the way it gets there."""
        self.through.read(key, POLICY, lambda: (200, body), pool="warm", wait_s=DEADLINE_S)
        self.now += age_s

    def close(self) -> None:
        self.upstream.let_go()
        self.through.close()


def until(condition: Callable[[], Any]) -> None:
    """Poll, with a deadline."""
    tick = threading.Event()
    for _ in range(int(DEADLINE_S / 0.005)):
        if condition():
            return
        tick.wait(0.005)
    raise AssertionError("the condition did not come true in time")


@contextmanager
def callers(count: int, call: Callable[[], Answer]) -> Iterator[list[Future[Answer]]]:
    """`count` threads that call at the same moment."""
    start = threading.Barrier(count)

    def run() -> Answer:
        start.wait(DEADLINE_S)
        return call()

    with ThreadPoolExecutor(count) as pool:
        yield [pool.submit(run) for _ in range(count)]


def outcomes(futures: list[Future[Answer]]) -> list[Any]:
    """Each caller's answer kind, or the exception it got."""
    done, late = wait(futures, DEADLINE_S)
    assert not late
    return [future.exception() or future.result().kind for future in done]
