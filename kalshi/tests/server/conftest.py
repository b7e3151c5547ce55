from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kalshi import place
from kalshi.server import collected, slow_readers
from kalshi.server.bounded import OfTheProcess
from kalshi.server.collected import FileWrapper, Rooms
from kalshi.server.slow_readers import ReadersProtocol
from kalshi.server.threads import DaemonThreads
from kalshi.server.wsgi import WsgiBridge
from kalshi.tests.edge.test_protocol import Running

THREADS = 3
LARGE = 8_000_000
"""More than the system keeps for a connection whose reader is slow."""


class Site:
    """A WSGI application in a few threads behind the real server. /file is an open file, /stream one without an end,
    /wait holds its thread until `go_on`, /aside too, but gives its place back; all else says what it was sent.
    """

    def __init__(self, path: Path, pool: DaemonThreads | None = None) -> None:
        self._path = path
        self.go_on = threading.Event()
        self.begun: list[str] = []
        self.closed = 0
        self.rooms = Rooms()
        self.pool = pool or DaemonThreads(THREADS, at_end=lambda: None)
        self._bridge = WsgiBridge(self._answer, self.pool, self.rooms, caller=_who)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._bridge(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def close(self) -> None:
        self.closed += 1

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.begun.append(path)
        if path == "/aside":
            place.step_aside()
        if path in {"/wait", "/aside"}:
            assert self.go_on.wait(30)
        if path == "/broken":
            raise ZeroDivisionError
        if path == "/stream":
            start_response("200 OK", [])
            return self._stream()
        if path == "/file":
            start_response("200 OK", [("Content-Length", str(LARGE))])
            return FileWrapper(self._path.open("rb"))
        body = f"{path} {len(environ['wsgi.input'].read())}".encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def _stream(self) -> Iterator[bytes]:
        try:
            while True:
                self.go_on.wait(0.01)
                yield b"x" * 10_000
        finally:
            self.closed += 1


def _who(scope: Mapping[str, Any]) -> str | None:
    """Every token is good that begins so."""
    token = dict(scope["headers"]).get(b"authorization", b"").decode()
    return token if token.startswith("good") else None


class Served(Running):
    application: Any

    @property
    def site(self) -> Site:
        site: Site = self.application
        return site


@pytest.fixture
def pool() -> DaemonThreads | None:
    """Other threads than three for one network."""
    return None


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: DaemonThreads | None) -> Iterator[Served]:
    monkeypatch.setattr(slow_readers, "STALL_S", 1.0)
    monkeypatch.setattr(collected, "ANSWER_BYTES", 10 * LARGE)
    file = tmp_path / "file"
    file.write_bytes(b"f" * LARGE)
    with socket.create_server(("127.0.0.1", 0), backlog=500) as listener:
        site: Any = Site(file, pool)
        running = Served(site, listener, partial(ReadersProtocol, of_the_process=OfTheProcess()))
        yield running
        site.go_on.set()
        running.server.should_exit = True
        running.server.force_exit = True
        running.thread.join(10)
    assert slow_readers.unread.total == 0
