"""How many connections a process may have."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from kalshi.server.sockets import DESCRIPTORS, raise_limit


@pytest.fixture
def limits() -> Iterator[tuple[int, int]]:
    found = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield found
    resource.setrlimit(resource.RLIMIT_NOFILE, found)


def test_a_process_may_open_what_the_system_allows(limits: tuple[int, int]) -> None:
    soft, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 100, hard))
    most = raise_limit()
    assert most == (DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS))
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= min(soft - 100, most)
    assert raise_limit() == most
