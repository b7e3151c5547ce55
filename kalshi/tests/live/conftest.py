from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kalshi.tests.servers import Gateway, Sandbox, running, wait_until


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A frozen exchange: whatever changes in an answer, the gateway changed it."""
    with running(lambda folder: Sandbox(folder, "--speed", "0")) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    with running(lambda folder: Gateway(folder, **sandbox.environment())) as server:
        yield server


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "sandbox" in request.fixturenames:
        request.getfixturevalue("sandbox").heal()


def some_ticker(gateway: Gateway) -> str:
    """A market that the exchange lists. The first list may take it a while to make on a busy machine."""
    path = "/api/v1/kalshi/events/"
    wait_until(lambda: gateway.get(path).status_code == 200, 30, "the list of events")
    event: dict[str, Any] = gateway.get(path).json()["events"][0]
    return str(event["markets"][0]["ticker"])
