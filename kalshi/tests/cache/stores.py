"""The two stores that the behaviour suite runs against, each empty and with nothing shared."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from django_redis.cache import RedisCache

from kalshi.cache.caches import cache_settings
from kalshi.cache.local import BoundedMemoryCache


def local_cache(**options: int) -> BoundedMemoryCache:
    return BoundedMemoryCache(f"test-{uuid4()}", {"OPTIONS": options})


@contextmanager
def redis_cache(url: str) -> Iterator[RedisCache]:
    settings = cache_settings(url)
    cache = RedisCache(
        settings["LOCATION"], {"OPTIONS": settings["OPTIONS"], "KEY_PREFIX": f"test-{uuid4()}"}
    )
    yield cache
    cache.client.disconnect()
