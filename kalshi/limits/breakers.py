"""Breakers on two levels: one for each operation of an account, and that of the host, which all accounts share.

An operation that always fails is left alone and keeps nobody from the others; a host that is away is left alone whole.
"""

import threading
from collections.abc import Callable

from kalshi.errors import BreakerOpen, KalshiError
from kalshi.limits.breaker import Breaker, of_host, of_operation
from kalshi.limits.shared_breaker import SharedBreaker

AnyBreaker = Breaker | SharedBreaker
Probes = tuple[bool, bool]
"""Whether a request is the probe of its operation, and of the host."""


class OperationBreaker:
    """One operation of an account and its host: whichever is open, the operation is not asked."""

    def __init__(self, operation: str, own: AnyBreaker, host: AnyBreaker) -> None:
        self._operation = operation
        self.own = own
        self._host = host

    def admit(self, caller: str = "") -> Probes:
        """What this caller probes. BreakerOpen with retry_after_s when it must not ask."""
        own = self.own.admit(caller)
        try:
            return own, self._host.admit(caller)
        except BreakerOpen:
            self.own.release(probe=own)
            raise

    def release(self, probes: Probes) -> None:
        """The admitted request was not sent."""
        self.own.release(probe=probes[0])
        self._host.release(probe=probes[1])

    def report(self, error: KalshiError | None, probes: Probes, caller: str = "") -> None:
        """What became of an admitted request."""
        self.own.report(of_operation(error), self._operation, probe=probes[0], caller=caller)
        self._host.report(of_host(error), self._operation, probe=probes[1], caller=caller)

    def is_open(self) -> bool:
        """Whether either is open, as far as this process has heard; never waits."""
        return self.own.is_open() or self._host.is_open()


class Breakers:
    """Those of one account, made when they are first needed. Operations are those of the endpoint table."""

    def __init__(self, host: AnyBreaker, new: Callable[[str], AnyBreaker]) -> None:
        self.host = host
        self._new = new
        self._lock = threading.Lock()
        self._operations: dict[str, OperationBreaker] = {}

    def of(self, operation: str) -> OperationBreaker:
        """That of an operation; always the same one."""
        with self._lock:
            if operation not in self._operations:
                self._operations[operation] = OperationBreaker(operation, self._new(operation), self.host)
            return self._operations[operation]

    def left_alone(self) -> list[str]:
        """The operations whose own breaker is open, as far as this process has heard."""
        with self._lock:
            found = list(self._operations.items())
        return sorted(operation for operation, breaker in found if breaker.own.is_open())
