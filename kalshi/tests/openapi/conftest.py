from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kalshi.tests.openapi import asking
from kalshi.tests.openapi.asking import Question
from kalshi.tests.servers import Gateway, Sandbox, running


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """A frozen exchange whose limits nobody here reaches."""
    with running(lambda folder: Sandbox(folder, "--speed", "0", "--tier", "prestige")) as server:
        yield server


@pytest.fixture(scope="package")
def gateway(sandbox: Sandbox) -> Iterator[Gateway]:
    with running(lambda folder: Gateway(folder, KALSHI_RATE_SHARE="1", **sandbox.environment())) as server:
        yield server


@pytest.fixture(scope="package")
def questions(gateway: Gateway) -> dict[str, Question]:
    return asking.find(gateway)


@pytest.fixture(scope="package")
def served(gateway: Gateway) -> dict[str, Any]:
    """The document as the running server gives it."""
    answer = gateway.get("/api/schema/")
    assert answer.status_code == 200, answer.text[:300]
    document: dict[str, Any] = answer.json()
    return document
