"""Drills that run side by side, for tests that judge what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Generic, TypeVar

Name = TypeVar("Name")
Seen = TypeVar("Seen")


class Drills(Generic[Name, Seen]):
    """`run` of each name, begun at once in the threads of `pool`."""

    def __init__(self, pool: Executor, run: Callable[[Name], Seen], names: Iterable[Name]) -> None:
        self._pool, self._run = pool, run
        self._begun = {name: pool.submit(run, name) for name in names}

    @contextmanager
    def judged(self, name: Name) -> Iterator[Seen]:
        """What was seen. A drill that was found wanting is run anew: a test that is repeated must see another one."""
        try:
            yield self._begun[name].result()
        except BaseException:
            self._begun[name] = self._pool.submit(self._run, name)
            raise
