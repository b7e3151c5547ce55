"""What a flood of large documents leaves in the memory of a server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from kalshi.cache.local import DEFAULT_MAX_BYTES
from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

MB = 2**20
BODY_BYTES = 31 * MB
QUESTIONS = 16
"""Twice what the cache holds."""
REST_BYTES = 100 * MB
"""What the server's parts may keep beyond the cache."""


def test_large_documents_that_are_forgotten_leave_the_memory_too(tmp_path: Path) -> None:
    market = {"ticker": "KXHIGHNY-26NOV28-T41", "title": "x" * 400}
    number = BODY_BYTES // len(json.dumps(market))
    (tmp_path / "get_markets.json").write_text(json.dumps({"markets": [market] * number, "cursor": ""}))
    replay = ("--speed", "0", "--tier", "prestige", "--replay", str(tmp_path))
    with (
        running(lambda folder: Sandbox(folder, *replay)) as sandbox,
        running(lambda folder: Gateway(folder, **sandbox.environment())) as gateway,
    ):
        pid = gateway.process.popen.pid
        most = resident_bytes(pid) + DEFAULT_MAX_BYTES + REST_BYTES
        with ThreadPoolExecutor(6) as callers:
            list(callers.map(partial(answered, gateway), range(1, QUESTIONS + 1)))
        wait_until(lambda: resident_bytes(pid) < most, 20, "giving back what was freed")


def answered(gateway: Gateway, limit: int) -> None:
    path = f"/api/v1/kalshi/markets/?limit={limit}"
    wait_until(lambda: gateway.get(path).status_code == 200, 60, path)


def resident_bytes(pid: int) -> int:
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * 4096
