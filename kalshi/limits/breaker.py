"""The circuit breaker of one upstream host: after FAILURES in a row it is left alone for OPEN_S, then probed.

A failure is what says that the host is not working: no answer, a time-out, 5xx, and a body that is no JSON (a
load balancer's page in place of Kalshi). A 429 and any other 4xx are answers of a working host.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

from kalshi.errors import BreakerOpen, KalshiError, UnexpectedPayload, UpstreamError, UpstreamUnavailable

FAILURES = 5
OPEN_S = 10.0
PROBE_LEASE_S = 30.0
"""A probe that has not reported by now is lost, and the next caller probes."""

Position = Literal["closed", "open", "half_open"]
Meaning = Literal["works", "fails", "nothing"]


@dataclass(frozen=True, slots=True)
class BreakerState:
    """failures: in a row. open_until: None while closed. probe_until: while a probe is out. Pure; seconds."""

    failures: int = 0
    open_until: float | None = None
    probe_until: float | None = None

    def position(self, now: float) -> Position:
        """Closed; open: nobody is let through; half_open: one probe is, or is out."""
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def admit(self, now: float) -> tuple[Self, bool, float]:
        """(next state, whether the caller is the probe, seconds to wait before asking again; 0: go ahead)."""
        if self.open_until is None:
            return self, False, 0.0
        if now < self.open_until:
            return self, False, self.open_until - now
        if self.probe_until is not None and now < self.probe_until:
            return self, False, 1.0
        return replace(self, probe_until=now + PROBE_LEASE_S), True, 0.0

    def without_probe(self) -> Self:
        """The probe was not sent: the next caller may."""
        return replace(self, probe_until=None)

    def succeeded(self) -> Self:
        """The host works, whoever found out."""
        return type(self)()

    def failed(self, now: float, *, probe: bool) -> Self:
        """One more failure. While not closed only the probe's counts: others left before the opening."""
        if self.open_until is not None and not probe:
            return self
        failures = self.failures + 1
        if probe or failures >= FAILURES:
            return type(self)(failures, open_until=now + OPEN_S)
        return replace(self, failures=failures)


class Breaker:
    """A BreakerState behind a lock, shared by all accounts of one host. clock: seconds, never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state = BreakerState()

    def admit(self) -> bool:
        """Whether this caller is the probe. BreakerOpen with retry_after_s when it must not ask."""
        with self._lock:
            self._state, probe, wait_s = self._state.admit(self._clock())
        if wait_s > 0:
            raise left_alone(wait_s)
        return probe

    def release(self, *, probe: bool) -> None:
        """The admitted request was not sent."""
        if probe:
            with self._lock:
                self._state = self._state.without_probe()

    def report(self, error: KalshiError | None, *, probe: bool) -> None:
        """What became of an admitted request."""
        what = meaning(error)
        with self._lock:
            if what == "fails":
                self._state = self._state.failed(self._clock(), probe=probe)
            elif what == "works":
                self._state = self._state.succeeded()
            elif probe:
                self._state = self._state.without_probe()

    def snapshot(self) -> Position:
        """For `status` and the metrics."""
        return self._state.position(self._clock())

    def is_open(self) -> bool:
        """Whether it is open; never waits."""
        return self.snapshot() == "open"


def meaning(error: KalshiError | None) -> Meaning:
    """What the outcome of a request says about the host; a fault of our own says nothing."""
    if isinstance(error, BreakerOpen):
        return "nothing"
    if isinstance(error, UpstreamUnavailable | UnexpectedPayload):
        return "fails"
    return "works" if error is None or isinstance(error, UpstreamError) else "nothing"


def left_alone(wait_s: float) -> BreakerOpen:
    return BreakerOpen(
        "Kalshi failed several times in a row and is left alone for a moment.", retry_after_s=wait_s
    )
