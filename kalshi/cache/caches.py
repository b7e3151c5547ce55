"""The entry of Django's CACHES that holds upstream answers, for the settings of the project around us."""

from typing import Any

REDIS_TIMEOUT_S = 0.5


def cache_settings(redis_url: str | None) -> dict[str, Any]:
    """CACHES["kalshi"]: django-redis when there is a URL, else the bounded memory of this process.

    redis-py's own default of three retries with growing pauses would hold up requests for seconds; the
    store has a better answer to an outage. One retry without a pause remains, for connections that a
    restart left dead; none after a time-out, which would double what it costs.
    """
    if not redis_url:
        return {"BACKEND": "kalshi.cache.local.BoundedMemoryCache", "LOCATION": "kalshi"}
    from redis import exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_url,
        "OPTIONS": {
            "SERIALIZER": "kalshi.cache.serializer.RawBytesSerializer",
            "SOCKET_TIMEOUT": REDIS_TIMEOUT_S,
            "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_S,
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1, (exceptions.ConnectionError,))},
            "IGNORE_EXCEPTIONS": False,
        },
    }
