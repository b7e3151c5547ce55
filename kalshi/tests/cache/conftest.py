import pytest

from kalshi.cache.store import open_store
from kalshi.tests.cache.drills import Drill
from kalshi.tests.cache.stores import local_cache, redis_cache


@pytest.fixture(params=["local memory", "redis"])
def cache(request):
    """A Django cache of each kind, empty."""
    if request.param == "local memory":
        yield local_cache()
        return
    with redis_cache(request.getfixturevalue("redis_url")) as shared:
        yield shared


@pytest.fixture
def store(cache):
    made = open_store(cache)
    yield made
    made.close()


@pytest.fixture
def drill(store):
    """A read-through over each kind of store."""
    made = Drill(store)
    yield made
    made.close()


@pytest.fixture
def local_drill():
    """A read-through over local memory, for what does not depend on the store."""
    made = Drill(open_store(local_cache()))
    yield made
    made.close()
