"""The account's limits are learned while its budget is spent as fast as it fills."""

from __future__ import annotations

import threading
from contextlib import suppress

from kalshi.errors import RateLimited
from kalshi.services import engine
from kalshi.tests.fakes import FakeExchange
from kalshi.tests.servers import wait_until

PEOPLE = 12


def test_learning_has_its_turn_however_many_people_ask(exchange: FakeExchange) -> None:
    own = engine.current()
    stopped = threading.Event()

    def person() -> None:
        while not stopped.is_set():
            with suppress(RateLimited):
                own.budget.acquire(50, charged=True, background=False, max_wait_s=2)

    people = [threading.Thread(target=person, daemon=True) for _ in range(PEOPLE)]
    for one in people:
        one.start()
    try:
        wait_until(lambda: own.budget.snapshot()["level"] == 0, what="a spent budget")
        own.limits.learn_soon()
        wait_until(lambda: own.budget.granted.tier == "basic", 30, "learning")
    finally:
        stopped.set()
        for one in people:
            one.join()
