"""Two installations with an account each, on one Redis; the first has three workers and a small disk of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from kalshi.tests.chaos.callers import ROUTES, Target
from kalshi.tests.live.served import SERVE, Prepared, Served
from kalshi.tests.servers import Sandbox, running, wait_until
from kalshi.upstream import credentials
from kalshi.upstream.signing import signature_headers

API = "/api/v1/kalshi/"
UPSTREAM = {
    "balance/": "/portfolio/balance",
    "positions/?limit=3": "/portfolio/positions?limit=3",
    "orders/?limit=7": "/portfolio/orders?limit=7",
    "events/?limit=5": "/events?limit=5&status=open&with_nested_markets=true",
}
FRESH_S = 1
TIMEOUT_S = 3
"""Of one request to the exchange, so that a hanging one does not outlast a drill."""
SETUP = f"""
from django.core.management import call_command
from kalshi.models import EndpointPolicy
EndpointPolicy.objects.update(fresh_s={FRESH_S}, patience_s=%s)
call_command("create_token", user="owner", name="another", scope="read")
"""
DISK_BYTES = 8 * 2**20
SHIFTED = Path(__file__).with_name("shifted")


class Disk:
    """A small file system for a data folder. Mounting one takes root; others get a limit on the size of files instead.

    The limit stands for a full disk: the same writes fail, with EFBIG in place of ENOSPC.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
        self.mounted = (
            os.geteuid() == 0 and not subprocess.run(command, capture_output=True, check=False).returncode
        )

    @property
    def kind(self) -> str:
        return "tmpfs" if self.mounted else "file size limit"

    def fill(self, pids: list[int]) -> None:
        if not self.mounted:
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        with (
            (self._folder / "ballast").open("wb", buffering=0) as ballast,
            pytest.raises(OSError, match="No space"),
        ):
            while True:
                ballast.write(bytes(4096))

    def free(self, pids: list[int]) -> None:
        (self._folder / "ballast").unlink(missing_ok=True)
        if not self.mounted:
            for pid in pids:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def unmount(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self._folder)], check=True)


class Clock:
    """The wall clock of the processes that got `environment`, as far as Python's `time.time` is concerned.

    libfaketime 0.9.10 was tried first. With threads it makes `time.sleep`, which sleeps until a moment of the monotonic
    clock, fail with EINVAL at random, also with FAKETIME_DONT_FAKE_MONOTONIC: 500s that no real clock causes.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)
        self.environment = {"PYTHONPATH": str(SHIFTED), "CLOCK_OFFSET": str(self._file)}

    def set(self, offset_s: int) -> None:
        """At one stroke: a reader must not find half a file."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}\n")
        new.replace(self._file)


class Installation:
    """What the drills disturb. `first` and `second` are accounts of different exchanges."""

    first: Served
    second: Served

    def __init__(
        self, redis: Any, exchanges: list[Sandbox], disk: Disk, clock: Clock, tokens: list[str]
    ) -> None:
        self.redis, self.exchanges, self.disk, self.clock, self.tokens = redis, exchanges, disk, clock, tokens
        self.targets: list[Target] = []

    def learn_targets(self) -> None:
        """What every endpoint must say, from the exchanges; and that the gateways say so while nothing is wrong."""
        for name, served, exchange in zip(
            ("first", "second"), (self.first, self.second), self.exchanges, strict=True
        ):
            keys = credentials.load(exchange.environment(), Path("/"), allow_open=False)
            ticker = ask(exchange, keys, UPSTREAM["events/?limit=5"]).json()["events"][0]["markets"][0][
                "ticker"
            ]
            for route in (*ROUTES, f"markets/{ticker}/"):
                body = ask(exchange, keys, UPSTREAM.get(route, f"/markets/{ticker}")).content
                answer = served.get(API + route)
                assert (answer.status_code, answer.content) == (200, body), route
                etag = answer.headers["ETag"]
                self.targets.append(Target(name, served.port, API + route, body, etag))
        bodies = [target.body for target in self.targets]
        assert len(set(bodies)) == len(bodies), "every body is a canary of its account and endpoint"

    def refusals(self) -> int:
        """429s that the exchanges themselves gave, not those of a fault."""
        return sum(int(exchange.stats()["rejected"].get("429", 0)) for exchange in self.exchanges)

    def pids(self) -> list[int]:
        return [self.first.process.popen.pid, *self.first.workers()]

    def said(self, words: str) -> int:
        return sum(server.process.output.count(words) for server in (self.first, self.second))


def ask(exchange: Sandbox, keys: Any, path: str) -> requests.Response:
    path = f"/trade-api/v2{path}"
    headers = signature_headers(keys, "GET", path, round(time.time() * 1000))
    answer = requests.get(exchange.root + path, headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer


@contextmanager
def installed(folder: Path, redis: Any, *, patience_s: float = 1.0) -> Iterator[Installation]:
    with ExitStack() as stack:
        (folder / "prepared").mkdir()
        prepared = Prepared(folder / "prepared")
        other_token = prepared.manage("shell", "-v0", "-c", SETUP % patience_s).strip()
        exchanges = [
            stack.enter_context(
                running(lambda place, seed=seed: Sandbox(place, "--seed", seed, "--speed", "0"))
            )
            for seed in ("1", "2")
        ]
        (folder / "first").mkdir()
        disk = Disk(folder / "first" / "data")
        stack.callback(disk.unmount)
        clock = Clock(folder)
        installation = Installation(redis, exchanges, disk, clock, [prepared.token, other_token])
        common = {"REDIS_URL": redis.url, "KALSHI_TIMEOUT_S": str(TIMEOUT_S)}
        for name, exchange, workers in zip(("first", "second"), exchanges, ("3", "1"), strict=True):
            place = folder / name
            place.mkdir(exist_ok=True)
            env = exchange.environment() | common | clock.environment
            served = Served(place, prepared, *SERVE, "--workers", workers, **env)
            stack.callback(served.stop)
            setattr(installation, name, served)
        wait_until(lambda: len(installation.first.workers()) == 3, 20, "three workers")
        installation.learn_targets()
        yield installation
