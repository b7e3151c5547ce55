"""The limits of one process, and those in Redis: one suite for both."""

from uuid import uuid4

import pytest

from kalshi.redis_link import RedisLink, link_to
from kalshi.tests.cache.stores import redis_cache


@pytest.fixture(params=["one process", "redis"])
def link(request) -> RedisLink | None:
    """None, or a link to an empty part of Redis."""
    if request.param == "one process":
        yield None
        return
    with redis_cache(request.getfixturevalue("redis_url")) as cache:
        yield link_to(cache)


@pytest.fixture
def scope() -> str:
    return f"test:{uuid4()}"
