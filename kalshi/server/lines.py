"""Whose turn it is: a few jobs of each caller at a time, the others in a line of the caller's own, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

EACH = 4
"""Jobs of one caller that are worked on at a time. Python's threads take turns at one processor, so more would not be
faster for the caller, only slower for all others.
"""
IN_LINE = 512
"""Of one caller."""

Job = TypeVar("Job", bound=Hashable)


class LineFull(Exception):
    """The caller has too many jobs in line."""


class Lines(Generic[Job]):
    """Not thread-safe. Who is None has no bound."""

    def __init__(self, each: int = EACH, in_line: int = IN_LINE) -> None:
        self._each = each
        self._in_line = in_line
        self._begun: Counter[Hashable] = Counter()
        self._lines: dict[Hashable, dict[Job, None]] = {}

    def join(self, who: Hashable, job: Job) -> bool:
        """Whether it has a place and may begin; else it is in line. Raises LineFull."""
        if who is None:
            return True
        if self._begun[who] < self._each:
            self._begun[who] += 1
            return True
        line = self._lines.setdefault(who, {})
        if len(line) >= self._in_line:
            raise LineFull
        line[job] = None
        return False

    def leave(self, who: Hashable) -> Job | None:
        """A place is given back. The job that gets it."""
        if who is None:
            return None
        line = self._lines.get(who)
        if line:
            job = next(iter(line))
            self.give_up(who, job)
            return job
        self._begun[who] -= 1
        if not self._begun[who]:
            del self._begun[who]
        return None

    def give_up(self, who: Hashable, job: Job) -> None:
        """Nobody wants it any more. Not in line: nothing happens."""
        line = self._lines.get(who, {})
        line.pop(job, None)
        if not line:
            self._lines.pop(who, None)

    def first_of_each(self) -> Iterator[Job]:
        """Of every line, the job that has waited longest."""
        return (next(iter(line)) for line in self._lines.values())

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))
