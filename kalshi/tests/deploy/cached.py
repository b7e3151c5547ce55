"""What the tests of nginx's cache ask for, and the answers of the gateway that stands behind it."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse

from kalshi.tests.deploy.nginx import Nginx
from kalshi.tests.deploy.spy import Asked, Reply, SpyGateway
from kalshi.tests.servers import wait_until

BALANCE = "/api/v1/kalshi/balance/"
# nginx counts whole seconds, so its one second is over after two at the latest.
KEPT_S = 2.0
FRESH = {
    "Age": "5",
    "Cache-Control": "private, max-age=60, stale-if-error=86400",
    "Cache-Status": "kalshi; hit; ttl=55",
    "Content-Type": "application/json",
    "ETag": '"one"',
    "Vary": "Authorization, Cookie, Origin, X-Kalshi-Account",
}
numbers = itertools.count()


def numbered(asked: Asked) -> Reply:
    """A good answer, never the same twice, that says who asked."""
    body = {"number": next(numbers), "asked": [asked.method, asked.path, dict(asked.headers)]}
    return Reply(json.dumps(body).encode(), headers=FRESH)


def token() -> dict[str, str]:
    """A caller of its own."""
    return {"Authorization": f"Bearer caller-{next(numbers)}"}


def number(answer: tuple[HTTPResponse, bytes]) -> int:
    response, body = answer
    assert response.status == 200, (response.status, body)
    return int(json.loads(body)["number"])


def begin_a_second() -> None:
    """Wait for the start of a second, so that what follows is cut neither by its end nor by that of ten minutes."""
    wait_until(lambda: time.time() % 1 < 0.2 and time.time() % 600 < 592, 12, "the start of a second")


def let_expire() -> None:
    over = time.monotonic() + KEPT_S
    wait_until(lambda: time.monotonic() > over, KEPT_S + 1, "the end of what is kept")


class Hold:
    """Holds up every answer of the gateway until `release`."""

    def __init__(self, spy: SpyGateway, answer: Callable[[Asked], Reply]) -> None:
        self.waiting = 0
        self._answer = answer
        self._released = threading.Event()
        spy.reply = self

    def __call__(self, asked: Asked) -> Reply:
        self.waiting += 1
        assert self._released.wait(30)
        return self._answer(asked)

    def release(self) -> None:
        self._released.set()


def burst(
    nginx: Nginx, hold: Hold, path: str, caller: dict[str, str], count: int = 8
) -> list[tuple[HTTPResponse, bytes]]:
    """What so many get who ask while the gateway still works on the answer to the first of them."""
    with ThreadPoolExecutor(count) as pool:
        try:
            first = pool.submit(nginx.get, path, **caller)
            wait_until(lambda: hold.waiting, 20, "the first question")
            others = [pool.submit(nginx.get, path, **caller) for _ in range(count - 1)]
            answered = lambda: sum(other.done() for other in others)  # noqa: E731
            wait_until(lambda: answered() + hold.waiting == count, 20, "all to be answered or to wait")
        finally:
            hold.release()
        return [each.result() for each in (first, *others)]
