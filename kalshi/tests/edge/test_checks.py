"""Many requests of one caller, of which one is checked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kalshi.cache.entry import Entry
from kalshi.conf import EndpointOptions
from kalshi.edge.access_log import AccessLog
from kalshi.edge.app import Edge
from kalshi.edge.checks import Checks
from kalshi.edge.question import Caller
from kalshi.limits.breaker import Breaker
from kalshi.services import handover
from kalshi.services.handover import Answered
from kalshi.services.metrics import Counts
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.signing import signature_headers

WHO: Caller = (b"Bearer x", None, None)
OTHER: Caller = (b"Bearer y", None, None)
LONG_S = 60.0


def test_nobody_waits_when_nothing_is_checked() -> None:
    async def play() -> None:
        checks = Checks(LONG_S)
        assert not await checks.waited(WHO)
        over = checks.begin(WHO)
        assert not await checks.waited(OTHER)
        checks.end(WHO, over)
        assert not await checks.waited(WHO)

    asyncio.run(asyncio.wait_for(play(), 10))


def test_all_who_wait_go_on_when_the_check_is_over() -> None:
    async def play() -> None:
        checks = Checks(LONG_S)
        over = checks.begin(WHO)
        waiting = [asyncio.create_task(checks.waited(WHO)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        checks.end(WHO, over)
        assert await asyncio.gather(*waiting) == [True] * 3

    asyncio.run(asyncio.wait_for(play(), 10))


def test_a_check_that_takes_long_is_waited_for_once_and_then_made_anew() -> None:
    async def play() -> None:
        checks = Checks(0.02)
        slow = checks.begin(WHO)
        assert await checks.waited(WHO)
        assert not await checks.waited(WHO)
        again = checks.begin(WHO)
        checks.end(WHO, slow)  # does not end the one that began after it
        waiting = asyncio.create_task(checks.waited(WHO))
        checks.end(WHO, again)
        checks.end(WHO, again)
        await waiting
        assert not await checks.waited(WHO)

    asyncio.run(asyncio.wait_for(play(), 10))


MANY = 20
OPTIONS = EndpointOptions(fresh_s=3600, keep_s=3600, patience_s=1, enabled=True)


class Django:
    """Stands behind the edge: answers when it is let, with the status of the moment at which it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.signer: Ed25519PublicKey | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.crowded = asyncio.Event()
        """Two times MANY were sent here, after two others."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if self.asked == 2 + 2 * MANY:
            self.crowded.set()
        status = self.status
        await self.open.wait()
        if status == 200:
            scope[handover.SCOPE_NAME].append(
                Answered("key", "get_balance", "default", Breaker(), "VirtualKey:1", self.signer)
            )
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


class Played:
    """The edge in front of it, with a fresh answer in memory."""

    def __init__(self, wait_s: float = LONG_S) -> None:
        self.django, counts = Django(), Counts()
        self.edge = Edge(self.django, AccessLog(counts, redact=str), counts)
        self.edge._checks = Checks(wait_s)
        entry = Entry.of("key", 200, b"{}", fetched_at=time.time(), fresh_s=3600, keep_s=3600)
        ready: Any = self.edge._ready
        ready._options = SimpleNamespace(endpoints={"get_balance": OPTIONS})
        ready._cache = SimpleNamespace(hot=lambda key: entry, refreshing=lambda key: False)
        self.rights_changed: Callable[[], None] = lambda: ready._callers.forget_all(time.monotonic())

    async def ask(
        self, token: bytes = b"x", path: bytes = b"/balance/", signed: list[tuple[bytes, bytes]] | None = None
    ) -> int:
        """The status."""
        said: list[Any] = []
        scope = {
            "type": "http",
            "method": "GET",
            "raw_path": path,
            "query_string": b"",
            "headers": signed or [(b"authorization", b"Bearer " + token)],
            "scheme": "http",
            "client": ("192.0.2.1", 1),
        }

        async def send(message: Any) -> None:
            said.append(message)

        await self.edge(scope, lambda: asyncio.sleep(0, {}), send)
        return int(said[0]["status"])

    async def come(self, **other: Any) -> list[asyncio.Task[int]]:
        """Many at once, who are on their way when this returns."""
        tasks = [asyncio.create_task(self.ask(**other)) for _ in range(MANY)]
        for _ in range(5):
            await asyncio.sleep(0)
        return tasks


def play(act: Callable[[], Any]) -> None:
    asyncio.run(asyncio.wait_for(act(), 20))


def test_of_many_who_come_when_their_check_counts_no_more_one_is_checked() -> None:
    async def act() -> None:
        played = Played()
        await played.ask()
        assert await asyncio.gather(*await played.come()) == [200] * MANY
        assert played.django.asked == 1
        played.rights_changed()
        played.django.open.clear()
        waiting = await played.come()
        assert played.django.asked == 2 and not any(task.done() for task in waiting)
        played.django.open.set()
        assert await asyncio.gather(*waiting) == [200] * MANY
        assert played.django.asked == 2

    play(act)


def test_whoever_is_refused_is_refused_each_time() -> None:
    async def act() -> None:
        played = Played()
        await played.ask()
        played.rights_changed()
        played.django.status = 401
        assert await asyncio.gather(*await played.come()) == [401] * MANY
        assert played.django.asked == 1 + MANY

    play(act)


def test_a_check_that_began_before_rights_changed_lets_nobody_in_who_waited_for_it() -> None:
    async def act() -> None:
        played = Played()
        await played.ask()
        played.rights_changed()
        played.django.open.clear()
        waiting = await played.come()
        played.rights_changed()
        played.django.status = 401
        played.django.open.set()
        assert await asyncio.gather(*waiting) == [200] + [401] * (MANY - 1)

    play(act)


def test_nobody_waits_for_a_check_that_hangs_nor_for_one_of_somebody_else() -> None:
    async def act() -> None:
        played = Played(wait_s=0.02)
        await played.ask()
        await played.ask(b"y")
        played.rights_changed()
        played.django.open.clear()
        first, *others = await played.come()
        assert played.django.asked == 3
        theirs = await played.come(token=b"y")
        assert played.django.asked == 4
        await played.django.crowded.wait()
        played.django.open.set()
        assert await asyncio.gather(first, *others, *theirs) == [200] * 2 * MANY

    play(act)


def signed_by(key: Ed25519PrivateKey, path: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of a request in the name of one and the same virtual key."""
    headers = signature_headers(Credentials("a-key", key), "GET", path.decode(), int(time.time() * 1000))
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def test_whoever_forges_a_signature_makes_nobody_wait() -> None:
    async def act() -> None:
        played, path = Played(), b"/trade-api/v2/portfolio/balance"
        key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        played.django.signer = key.public_key()
        await played.ask(path=path, signed=signed_by(key, path))
        played.rights_changed()
        played.django.open.clear()
        played.django.status = 401
        forged = await played.come(path=path, signed=signed_by(other, path))
        assert played.django.asked == 1 + MANY
        played.django.status = 200
        good = await played.come(path=path, signed=signed_by(key, path))
        assert played.django.asked == 2 + MANY
        played.django.open.set()
        assert await asyncio.gather(*forged) == [401] * MANY
        assert await asyncio.gather(*good) == [200] * MANY
        assert played.django.asked == 2 + MANY

    play(act)


@pytest.mark.parametrize("other", [{"token": b"new"}, {"path": b"/orders/"}])
def test_what_the_edge_could_not_answer_in_any_case_waits_for_nobody(other: dict[str, bytes]) -> None:
    async def act() -> None:
        played = Played()
        await played.ask()
        played.rights_changed()
        played.django.open.clear()
        waiting = [*await played.come(), *await played.come(**other)]
        assert played.django.asked == 2 + MANY
        played.django.open.set()
        assert await asyncio.gather(*waiting) == [200] * 2 * MANY

    play(act)
