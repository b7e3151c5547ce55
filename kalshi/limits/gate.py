"""Whether a request may leave now: the breaker of the host, then the budget of the account."""

import threading
from typing import TYPE_CHECKING

from kalshi.errors import KalshiError, RateLimited
from kalshi.limits.breaker import Breaker
from kalshi.limits.budget import Budget

if TYPE_CHECKING:
    from kalshi.upstream.endpoints import Endpoint


class LimitGate:
    """The client's Gate. Each `admit` that returns is followed by one `report` of the same attempt in the
    same thread: what was admitted (charged or not, a probe or not) is remembered for it per thread.
    """

    def __init__(self, budget: Budget, breaker: Breaker) -> None:
        self._budget = budget
        self._breaker = breaker
        self._admitted = threading.local()

    def admit(self, endpoint: "Endpoint", *, charged: bool, background: bool, max_wait_s: float) -> None:
        """Return when the request may leave, within max_wait_s. Else BreakerOpen or RateLimited."""
        probe = self._breaker.admit()
        try:
            self._budget.acquire(
                self._budget.cost(endpoint.path, endpoint.cost),
                charged=charged,
                background=background,
                max_wait_s=max_wait_s,
            )
        except BaseException:
            self._breaker.release(probe=probe)
            raise
        self._admitted.charged, self._admitted.probe = charged, probe

    def report(self, endpoint: "Endpoint", error: KalshiError | None, latency_s: float) -> None:
        """What became of the attempt: None for an answer with data. latency_s: seconds it took."""
        del latency_s  # part of the interface; measured elsewhere
        charged = getattr(self._admitted, "charged", endpoint.signed)
        probe = getattr(self._admitted, "probe", False)
        self._admitted.__dict__.clear()
        self._breaker.report(error, probe=probe)
        if isinstance(error, RateLimited):
            self._budget.limited(charged=charged)
