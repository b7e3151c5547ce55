"""The real nginx before a gateway that counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kalshi.tests.deploy.cached import numbered
from kalshi.tests.deploy.nginx import Nginx
from kalshi.tests.deploy.spy import SpyGateway

# Short enough for a test that waits for it.
PATIENCE = {"proxy_read_timeout 20s;": "proxy_read_timeout 2s;"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SpyGateway, Nginx]]:
    spy = SpyGateway(numbered)
    with Nginx(tmp_path_factory.mktemp("nginx"), spy.port, changes=PATIENCE) as nginx:
        yield spy, nginx
    spy.go_away()


@pytest.fixture
def nginx(server: tuple[SpyGateway, Nginx]) -> Nginx:
    return server[1]


@pytest.fixture
def spy(server: tuple[SpyGateway, Nginx]) -> Iterator[SpyGateway]:
    found = server[0]
    yield found
    found.reply = numbered
    found.start_again()
