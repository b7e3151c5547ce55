"""A process that spends the shared budget: `python -m kalshi.tests.limits.spender REDIS_URL SCOPE MAX_PER_MINUTE PART`.

Commands: {"threads", "for_s", "background", "max_wait_s", "pause_s"}. Every thread asks for 10 tokens again and again.
The answer is a list of [Redis time of leaving (null while Redis is lost), seconds waited] of what was admitted, and
the names of errors.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings

settings.configure()

from django_redis.cache import RedisCache  # noqa: E402

from kalshi.cache.caches import cache_settings  # noqa: E402
from kalshi.limits.budget import Budget  # noqa: E402
from kalshi.limits.shared_budget import SharedBudget  # noqa: E402
from kalshi.redis_link import RedisLost, link_to  # noqa: E402
from kalshi.tests.processes import obey_lines  # noqa: E402


class Spender:
    def __init__(self, url: str, scope: str, max_per_minute: str, part: str) -> None:
        found = cache_settings(url)
        self.link = link_to(RedisCache(found["LOCATION"], {"OPTIONS": found["OPTIONS"]}))
        local = Budget(share=1.0, process_share=float(part))
        cap = int(max_per_minute)
        self.budget = SharedBudget(
            self.link, scope, f"{scope}:public", local, share=1.0, max_per_minute=cap or None
        )

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        with ThreadPoolExecutor(command["threads"]) as pool:
            results = list(pool.map(lambda _: self.spends(command), range(command["threads"])))
        left = [row for rows, _ in results for row in rows]
        return {"left": left, "errors": sorted({name for _, names in results for name in names})}

    def spends(self, command: dict[str, Any]) -> tuple[list[list[float | None]], set[str]]:
        left, names = [], set()
        until = time.monotonic() + command["for_s"]
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                self.budget.acquire(
                    10,
                    charged=True,
                    background=command.get("background", False),
                    max_wait_s=command.get("max_wait_s", 5),
                )
                left.append([self.time(), time.monotonic() - began])
            except Exception as error:  # noqa: BLE001
                names.add(type(error).__name__)
                time.sleep(0.01)
            time.sleep(command.get("pause_s", 0))
        return left, names

    def time(self) -> float | None:
        try:
            seconds, micros = self.link.call(lambda redis: redis.time())
        except RedisLost:
            return None
        return seconds + micros / 1e6


if __name__ == "__main__":
    obey_lines(Spender(*sys.argv[1:]).obey)
