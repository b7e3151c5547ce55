"""A process that reads through the shared cache: `python -m kalshi.tests.cache.reader REDIS_URL PREFIX`.

Commands: {"key", "threads", "latency_s", "error", "forced", "fresh_s", "patience_s", "for_s"}. A load takes latency_s,
is counted in the Redis list `<PREFIX>-loads-<key>` when it begins, and raises `error` when that is given. The answer is
a list of [kind or error, body, detail, seconds]; with for_s every thread reads until that time is over.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from django.conf import settings

settings.configure()

from django_redis.cache import RedisCache  # noqa: E402
from redis import Redis  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402

from kalshi import errors  # noqa: E402
from kalshi.cache.caches import cache_settings  # noqa: E402
from kalshi.cache.policy import Policy  # noqa: E402
from kalshi.cache.readthrough import ReadThrough  # noqa: E402
from kalshi.cache.store import open_store  # noqa: E402
from kalshi.tests.processes import obey_lines  # noqa: E402

BUGS = {"ZeroDivisionError": ZeroDivisionError}
numbers = count()


class Reader:
    def __init__(self, url: str, prefix: str) -> None:
        found = cache_settings(url)
        cache = RedisCache(found["LOCATION"], {"OPTIONS": found["OPTIONS"], "KEY_PREFIX": prefix})
        self.through = ReadThrough(open_store(cache))
        self.counter = Redis.from_url(url, socket_timeout=1)
        self.prefix = prefix

    def obey(self, command: dict[str, Any]) -> list[Any]:
        threads = command.get("threads", 1)
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(lambda _: self.reads(command), range(threads)))
        return [row for rows in results for row in rows]

    def reads(self, command: dict[str, Any]) -> list[Any]:
        until = time.monotonic() + command.get("for_s", 0)
        rows = [self.read(command)]
        while time.monotonic() < until:
            time.sleep(0.001)
            rows.append(self.read(command))
        return rows

    def read(self, command: dict[str, Any]) -> list[Any]:
        key = command["key"]

        def load() -> tuple[int, bytes]:
            try:
                self.counter.rpush(f"{self.prefix}-loads-{key}", os.getpid())
            except RedisError:
                assert "for_s" in command  # only where Redis is killed on purpose
            time.sleep(command.get("latency_s", 0))
            if error := command.get("error"):
                raise BUGS[error]() if error in BUGS else getattr(errors, error)("told", retry_after_s=7)
            return 200, b'{"pid":%d,"n":%d}' % (os.getpid(), next(numbers))

        policy = Policy(command.get("fresh_s", 60), 3600, command.get("patience_s", 1))
        began = time.monotonic()
        try:
            answer = self.through.read(
                key, policy, load, pool="get_balance", wait_s=20, forced=command.get("forced", False)
            )
            found = [answer.kind, answer.entry.body.decode(), answer.detail]
        except Exception as error:  # noqa: BLE001
            found = [type(error).__name__, str(error), getattr(error, "retry_after_s", None)]
        return [*found, time.monotonic() - began]


if __name__ == "__main__":
    obey_lines(Reader(*sys.argv[1:]).obey)
