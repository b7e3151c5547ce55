"""A scripted exchange behind KALSHI_REQUEST_FUNCTION, for tests of what stands in front of the transport."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Answer = bytes | Exception | Callable[[], bytes]

BODIES = {
    "/portfolio/balance": b'{"balance":9801,"balance_dollars":"98.0186","portfolio_value":198,"updated_ts":1781159348}',
    "/portfolio/positions": b'{ "cursor":"","market_positions":[],  "event_positions":[]}',
    "/portfolio/orders": b'{"orders":[],"cursor":""}',
    "/events": b'{"events":[],"cursor":"","milestones":[]}',
    "/account/limits": b'{"usage_tier":"basic","read":{"refill_rate":200,"bucket_capacity":600},'
    b'"write":{"refill_rate":100,"bucket_capacity":100},"grants":[]}',
    "/account/endpoint_costs": b'{"default_cost":10,"endpoint_costs":[]}',
}


class HttpError(Exception):
    """What a daemon's client raises for an answer with an error status."""

    def __init__(self, status_code: int, body: bytes = b'{"code":"some_word"}') -> None:
        super().__init__(f"HTTP {status_code}")
        self.response = SimpleNamespace(status_code=status_code, content=body, headers={})


class OnlyStatus(Exception):
    """What a daemon's client raises that keeps no bodies."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class FakeExchange:
    """Answers by path from `answers`, else from BODIES, else any market; keeps what was asked in `calls`."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.Lock()

    def __call__(self, method: str, path: str, params: dict[str, Any]) -> bytes:
        assert method == "GET"
        with self._lock:
            self.calls.append((path, dict(params)))
        answer = (
            self.answers.get(path) or BODIES.get(path) or b'{"market":{"ticker":"%s"}}' % path[9:].encode()
        )
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def asked(self, path: str) -> int:
        return sum(called == path for called, _ in self.calls)

    @property
    def account_calls(self) -> list[str]:
        """Paths asked for callers, without the background reading of limits."""
        return [path for path, _ in self.calls if not path.startswith("/account/")]


exchange = FakeExchange()


def request(method: str, path: str, params: dict[str, Any]) -> bytes:
    return exchange(method, path, params)
