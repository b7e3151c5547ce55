"""A Redis whose memory is full answers and refuses every write: it counts as lost until it takes one again."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kalshi.redis_link import RETRY_S, RedisLink, RedisLost
from kalshi.tests.cache.stores import redis_cache


def test_a_full_redis_is_lost_once_and_back_once(own_redis: Any, caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    with redis_cache(own_redis.url) as cache:
        redis = cache.client.get_client(write=True)
        link = RedisLink(redis, lambda key: str(cache.make_key(key)), monotonic=lambda: now)
        redis.config_set("maxmemory", 1)
        with pytest.raises(RedisLost):
            link.call(lambda client: client.set("test:full", 1, ex=5))
        for _ in range(5):
            now += RETRY_S
            with pytest.raises(RedisLost):
                link.call(lambda client: client.ping())
        assert link.down
        redis.config_set("maxmemory", 0)
        now += RETRY_S
        assert link.call(lambda client: client.ping())
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["lost" in line for line in said] == [True, False]
    assert said[1] == "Redis is back."
