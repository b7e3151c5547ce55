"""A circuit breaker: after FAILURES in a row, what it stands for is left alone for OPEN_S, then probed.

There are two levels (`breakers` puts them together): one breaker for each operation of an account, one for the host.
What a failure means to each is decided here, as data. 5xx of a few operations say nothing about the host: they count
for it once OPERATIONS different ones have failed so without a success between them.

Nobody can shut others out by questions that always fail: while fewer than CALLERS callers failed, any other may try,
one at a time, although it is open.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

from kalshi.errors import (
    BreakerOpen,
    FunctionFailed,
    KalshiError,
    LimitedOnTheWay,
    NotTheExchange,
    UnexpectedPayload,
    UpstreamError,
    UpstreamUnavailable,
)

FAILURES = 5
OPERATIONS = 3
CALLERS = 3
OPEN_S = 10.0
PROBE_LEASE_S = 30.0
"""A probe that has not reported by now is lost, and the next caller probes."""
HOST_REFUSAL = "Kalshi failed several times in a row and is left alone for a moment."
OPERATION_REFUSAL = "Kalshi failed several times in a row at this and is not asked for it for a moment."

Position = Literal["closed", "open", "half_open"]
Meaning = Literal["works", "fails", "faults", "answers", "nothing"]
"""faults: 5xx, which counts with those of other operations. answers: badly; but something is there."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """failures: in a row. faults: 5xx among them, not in `failures`, and operations: of how many kinds, at most
    OPERATIONS. callers: who failed, at most CALLERS. open_until: None while closed. probe_until: while a probe is out.
    Pure; seconds.
    """

    failures: int = 0
    faults: int = 0
    operations: frozenset[str] = frozenset()
    callers: frozenset[str] = frozenset()
    open_until: float | None = None
    probe_until: float | None = None

    def position(self, now: float) -> Position:
        """Closed; open: nobody who failed is let through; half_open: one probe is, or is out."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def admit(self, now: float, caller: str = "") -> tuple[Self, bool, float]:
        """(next state, whether the caller is the probe, seconds to wait before asking again; 0: go ahead)."""
        if self.open_until is None:
            return self, False, 0.0
        is_other = 0 < len(self.callers) < CALLERS and caller not in self.callers
        if now < self.open_until and not is_other:
            return self, False, self.open_until - now
        if self.probe_until is not None and now < self.probe_until:
            return self, False, 1.0
        return replace(self, probe_until=now + PROBE_LEASE_S), True, 0.0

    def without_probe(self) -> Self:
        """The probe was not sent: the next caller may."""
        return replace(self, probe_until=None)

    def heard(self, what: Meaning, operation: str, now: float, *, probe: bool, caller: str = "") -> Self:
        """What became of a request. While not closed only the probe's failures count: others left before that."""
        if what == "works":
            return type(self)()
        if what == "nothing" or (what == "answers" and not probe):
            return self.without_probe() if probe else self
        if self.open_until is not None and not probe:
            return self
        if what != "answers" and len(self.callers) < CALLERS:
            return replace(self, callers=self.callers | {caller})._counted(what, operation, now, probe=probe)
        return self._counted(what, operation, now, probe=probe)

    def _counted(self, what: Meaning, operation: str, now: float, *, probe: bool) -> Self:
        if what == "fails":
            return replace(self, failures=self.failures + 1)._opened_if_due(now, due=probe)
        return self._faulted(what, operation, probe=probe)._opened_if_due(now, due=False)

    def _faulted(self, what: Meaning, operation: str, *, probe: bool) -> Self:
        """A probe that was answered closes it; one more fault of as many operations opens it again."""
        operations, faults = self.operations, self.faults
        if what == "faults":
            faults += 1
            operations = operations if len(operations) >= OPERATIONS else operations | {operation}
        if probe:
            return type(self)(faults=min(faults, FAILURES - 1), operations=operations, callers=self.callers)
        return replace(self, faults=faults, operations=operations)

    def _opened_if_due(self, now: float, *, due: bool) -> Self:
        counted = self.failures + (self.faults if len(self.operations) >= OPERATIONS else 0)
        if due or counted >= FAILURES:
            return replace(self, open_until=now + OPEN_S, probe_until=None)
        return self


class Breaker:
    """A BreakerState behind a lock. refusal: the sentence while it is open. clock: seconds, never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, refusal: str = HOST_REFUSAL) -> None:
        self._clock = clock
        self.refusal = refusal
        self._lock = threading.Lock()
        self._state = BreakerState()

    def admit(self, caller: str = "") -> bool:
        """Whether this caller is the probe. BreakerOpen with retry_after_s when it must not ask.

        caller: who asks; "": this process itself.
        """
        with self._lock:
            self._state, probe, wait_s = self._state.admit(self._clock(), caller)
        if wait_s > 0:
            raise BreakerOpen(self.refusal, retry_after_s=wait_s)
        return probe

    def release(self, *, probe: bool) -> None:
        """The admitted request was not sent."""
        if probe:
            with self._lock:
                self._state = self._state.without_probe()

    def report(self, what: Meaning, operation: str, *, probe: bool, caller: str = "") -> None:
        """What became of an admitted request of this operation."""
        with self._lock:
            self._state = self._state.heard(what, operation, self._clock(), probe=probe, caller=caller)

    def snapshot(self) -> Position:
        """For `status` and the metrics."""
        return self._state.position(self._clock())

    def is_open(self) -> bool:
        """Whether it is open; never waits."""
        return self.snapshot() == "open"


def of_operation(error: KalshiError | None) -> Meaning:
    """What the outcome of a request says about its operation; a fault of our own says nothing."""
    if isinstance(error, BreakerOpen):
        return "nothing"
    if isinstance(error, UpstreamUnavailable | UnexpectedPayload | LimitedOnTheWay):
        return "fails"
    return "works" if error is None or isinstance(error, UpstreamError) else "nothing"


def of_host(error: KalshiError | None) -> Meaning:
    """What it says about the host: only that nothing came counts at once, and 5xx with those of other operations."""
    if isinstance(error, BreakerOpen | FunctionFailed):
        return "nothing"
    if isinstance(error, NotTheExchange | UnexpectedPayload | LimitedOnTheWay):
        return "answers"
    if isinstance(error, UpstreamUnavailable):
        return "fails" if error.upstream_status is None else "faults"
    return "works" if error is None or isinstance(error, UpstreamError) else "nothing"
