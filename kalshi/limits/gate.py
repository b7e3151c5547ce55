"""Whether a request may leave now: the breakers of its operation and host, then the budget of the account."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from kalshi.errors import KalshiError, RateLimited
from kalshi.limits.breakers import Breakers
from kalshi.limits.budget import Budget
from kalshi.limits.shared_budget import SharedBudget

if TYPE_CHECKING:
    from kalshi.upstream.endpoints import Endpoint


def _nothing(*_: object) -> None:
    pass


class LimitGate:
    """The client's Gate. on_upstream: called after every attempt with the operation, "ok", "drift" (data of another
    shape) or the error's code, and the seconds it took; on_limited: when it was a 429. Both must be quick.

    Each `admit` that returns is followed by one `report` of the same attempt in the same thread: what was admitted
    (charged or not, a probe or not) is remembered for it per thread.
    """

    def __init__(
        self,
        budget: Budget | SharedBudget,
        breakers: Breakers,
        *,
        on_upstream: Callable[[str, str, float], None] = _nothing,
        on_limited: Callable[[], None] = _nothing,
    ) -> None:
        self._budget = budget
        self._breakers = breakers
        self._on_upstream = on_upstream
        self._on_limited = on_limited
        self._admitted = threading.local()

    def admit(
        self, endpoint: "Endpoint", *, charged: bool, background: bool, max_wait_s: float, caller: str = ""
    ) -> None:
        """Return when the request may leave, within max_wait_s. Else BreakerOpen or RateLimited. caller: who asks."""
        breaker = self._breakers.of(endpoint.operation)
        probes = breaker.admit(caller)
        try:
            self._budget.acquire(
                self._budget.cost(endpoint.path, endpoint.cost),
                charged=charged,
                background=background,
                max_wait_s=max_wait_s,
            )
        except BaseException:
            breaker.release(probes)
            raise
        self._admitted.charged, self._admitted.probes, self._admitted.caller = charged, probes, caller

    def report(
        self, endpoint: "Endpoint", error: KalshiError | None, latency_s: float, *, drifted: bool = False
    ) -> None:
        """What became of the attempt: None for an answer with data. latency_s: seconds it took."""
        charged = getattr(self._admitted, "charged", endpoint.signed)
        probes = getattr(self._admitted, "probes", (False, False))
        caller = getattr(self._admitted, "caller", "")
        self._admitted.__dict__.clear()
        self._breakers.of(endpoint.operation).report(error, probes, caller)
        if isinstance(error, RateLimited):
            self._budget.limited(charged=charged)
            self._on_limited()
        good = "drift" if drifted else "ok"
        self._on_upstream(endpoint.operation, good if error is None else error.code, latency_s)
