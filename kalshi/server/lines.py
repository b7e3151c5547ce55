"""Whose turn it is: a few jobs of each caller at a time, the others in a line of the caller's own, in order. And of a
crowd, callers whom nobody knows and of whom there may be any number, a few jobs at a time together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

EACH = 4
"""Jobs of one caller that are worked on at a time. Python's threads take turns at one processor, so more would not be
faster for the caller, only slower for all others.
"""
IN_LINE = 512
"""Of one caller."""
CROWD = 8
"""Jobs of a crowd that are worked on at a time. The others are in one line more, in which a caller has EACH at most."""

Job = TypeVar("Job", bound=Hashable)


class LineFull(Exception):
    """The caller has too many jobs in line."""


class Lines(Generic[Job]):
    """Not thread-safe. Who is None has no bound. crowd_of: the crowd that a caller is in, None for one who is known."""

    def __init__(
        self,
        each: int = EACH,
        in_line: int = IN_LINE,
        *,
        crowd_of: Callable[[Hashable], Hashable | None] = lambda who: None,
        crowd: int = CROWD,
    ) -> None:
        self._each = each
        self._in_line = in_line
        self._begun: Counter[Hashable] = Counter()
        self._lines: dict[Hashable, dict[Job, None]] = {}
        self._crowd_of = crowd_of
        self._crowd = crowd
        self._begun_by_crowd: Counter[Hashable] = Counter()
        self._crowds: dict[Hashable, dict[Job, None]] = {}  # never a line while its crowd has a place

    def join(self, who: Hashable, job: Job) -> bool:
        """Whether it has a place and may begin; else it is in line. Raises LineFull."""
        if who is None:
            return True
        if self._begun[who] < self._each:
            self._begun[who] += 1
            return self._enter(who, job)
        line = self._lines.setdefault(who, {})
        if len(line) >= self._in_line:
            raise LineFull
        line[job] = None
        return False

    def leave(self, who: Hashable) -> Job | None:
        """A place is given back. The job that gets it, which may be another's of the same crowd."""
        if who is None:
            return None
        following = self._follow(who)
        crowd = self._crowd_of(who)
        if crowd is None:
            return following
        if following is not None:
            self._crowds.setdefault(crowd, {})[following] = None
        first = _take_first(self._crowds, crowd)
        if first is None:
            self._begun_by_crowd[crowd] -= 1
        return first

    def give_up(self, who: Hashable, job: Job) -> None:
        """Nobody wants it any more. Not in line: nothing happens."""
        crowd = self._crowd_of(who)
        if job in self._crowds.get(crowd, {}):
            following = self._follow(who)
            if following is not None:
                self._crowds[crowd][following] = None
            _take(self._crowds, crowd, job)
        else:
            _take(self._lines, who, job)

    def first_of_each(self) -> Iterator[Job]:
        """Of every line, the job that has waited longest."""
        return (next(iter(line)) for line in (*self._lines.values(), *self._crowds.values()))

    def __len__(self) -> int:
        return sum(map(len, self._lines.values())) + sum(map(len, self._crowds.values()))

    def _enter(self, who: Hashable, job: Job) -> bool:
        """Whether its crowd has a place for it; else it is in the crowd's line."""
        crowd = self._crowd_of(who)
        if crowd is None:
            return True
        if self._begun_by_crowd[crowd] < self._crowd:
            self._begun_by_crowd[crowd] += 1
            return True
        self._crowds.setdefault(crowd, {})[job] = None
        return False

    def _follow(self, who: Hashable) -> Job | None:
        """The caller's next job takes the place of one of theirs; without any, there is one less."""
        following = _take_first(self._lines, who)
        if following is None:
            self._begun[who] -= 1
            if not self._begun[who]:
                del self._begun[who]
        return following


def _take_first(lines: dict[Hashable, dict[Job, None]], name: Hashable) -> Job | None:
    if name not in lines:
        return None
    job = next(iter(lines[name]))
    _take(lines, name, job)
    return job


def _take(lines: dict[Hashable, dict[Job, None]], name: Hashable, job: Job) -> None:
    line = lines.get(name, {})
    line.pop(job, None)
    if not line:
        lines.pop(name, None)
