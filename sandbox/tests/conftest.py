"""Sandboxes for tests: one shared and one whose faults and budget a test may use up."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.exchange import Exchange, make_exchange
from sandbox.tests.client import Sandbox, start

NOON = 1_795_262_400  # 2026-11-21 12:00 UTC, in season for every league but one, and where `start` begins


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="session")
def frozen(keys_dir: Path) -> Iterator[Sandbox]:
    """Stands still at a known moment, with a large budget; tests only read."""
    sandbox = start(keys_dir, "--speed", "0", "--tier", "prestige", measured=True)
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture(scope="session")
def faulty(keys_dir: Path) -> Iterator[Sandbox]:
    sandbox = start(keys_dir, "--tier", "prestige", measured=True)
    yield sandbox
    assert sandbox.stop() == 0


@pytest.fixture
def broken(faulty: Sandbox) -> Iterator[Sandbox]:
    """A running sandbox whose fault is removed after the test."""
    yield faulty
    faulty.heal()


@pytest.fixture
def starting(keys_dir: Path) -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes of a test's own and stops them after it."""
    started: list[Sandbox] = []

    def begin(*arguments: str) -> Sandbox:
        started.append(start(keys_dir, *arguments))
        return started[-1]

    yield begin
    for sandbox in started:
        sandbox.stop()


@pytest.fixture(scope="session")
def exchange() -> Exchange:
    """An exchange without a server, at NOON; tests only look at it from then on."""
    return make_exchange(7, NOON, "basic")
