"""A supervisor restarts what a fault of ours has stopped, and never what waits for somebody else."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
import redis
import requests
from starlette.applications import Starlette
from starlette.routing import Route

from kalshi.cache.store import open_store
from kalshi.server import pool_health
from kalshi.server.bounded import BoundedProtocol, OfTheProcess
from kalshi.server.pool_health import is_dead
from kalshi.server.threads import DaemonThreads
from kalshi.tests.cache.drills import Drill
from kalshi.tests.cache.stores import local_cache
from kalshi.tests.edge.test_protocol import Running
from kalshi.tests.servers import wait_until


def later(seconds: float) -> float:
    return time.monotonic() + seconds


@contextlib.contextmanager
def busy(job: Callable[[], Any]) -> Iterator[DaemonThreads]:
    """A pool of two whose threads both do this, with one more job that waits for its turn."""
    pool, begun = DaemonThreads(2, at_end=lambda: None), threading.Semaphore(0)

    def begin() -> None:
        begun.release()
        job()

    jobs = [pool.submit(begin) for _ in range(2)]
    for _ in jobs:
        assert begun.acquire(timeout=20)
    pool.submit(int)
    yield pool
    wait_until(lambda: pool.queued == 0, 30, "the end of the jobs")


def test_threads_that_hang_in_a_fault_of_ours_are_dead(caplog: pytest.LogCaptureFixture) -> None:
    gate = threading.Event()
    with busy(gate.wait) as pool:
        assert not is_dead(pool, later(9))
        assert is_dead(pool, later(11))
        assert "threads stand still" in caplog.text and "threading:" in caplog.text
        gate.set()
    assert not is_dead(pool, later(11))


def test_a_job_that_ends_shows_that_the_pool_moves() -> None:
    gate, one = threading.Event(), threading.Event()
    pool = DaemonThreads(2, at_end=lambda: None)
    pool.submit(gate.wait)
    ended = pool.submit(one.wait)
    for _ in range(2):
        pool.submit(gate.wait)
    wait_until(lambda: pool.queued == 2, 20, "the queue")
    moment = later(11)
    before = pool.stands_still_s(moment)
    one.set()
    ended.result(20)
    wait_until(lambda: pool.stands_still_s(moment) < before, 20, "the end of one")
    wait_until(lambda: pool.queued == 1, 20, "its thread at the next")
    gate.set()


def test_an_idle_pool_is_alive() -> None:
    assert not is_dead(DaemonThreads(1, at_end=lambda: None), later(1000))


def test_waiting_for_kalshi_is_no_fault() -> None:
    drill = Drill(open_store(local_cache()))
    drill.upstream.hold()
    with busy(drill.read) as pool:
        wait_until(lambda: drill.through.waiting == 2, 20, "both to wait")
        assert not is_dead(pool, later(60))
        drill.close()


def test_waiting_for_the_database_is_no_fault(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as control:
        jobs: list[int] = []

        def ask() -> None:
            with psycopg.connect(postgres_url) as connection, contextlib.suppress(psycopg.Error):
                jobs.append(connection.info.backend_pid)
                connection.execute("SELECT pg_sleep(60)")

        with busy(ask) as pool:
            wait_until(lambda: len(jobs) == 2, 20, "the questions")
            assert not is_dead(pool, later(60))
            for pid in jobs:
                control.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_waiting_for_a_redis_that_is_paused_is_no_fault(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.client_pause(60_000, all=False)
    try:
        with busy(lambda: client.set("key", "value")) as pool:
            wait_until(lambda: not is_dead(pool, later(60)), 20, "both to wait")
            client.client_unpause()
    finally:
        client.client_unpause()
        client.close()


def test_healthz_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from dashboard import asgi

    monkeypatch.setattr(pool_health, "STUCK_S", 0.3)
    shell: Any = Starlette(routes=[Route("/healthz", asgi.Health())])
    gate = threading.Event()
    with busy(gate.wait) as pool, socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr(asgi, "threads", pool)
        running = Running(shell, listener, partial(BoundedProtocol, of_the_process=OfTheProcess()))
        address = f"http://127.0.0.1:{running.port}/healthz"

        def status() -> int:
            answer = requests.get(address, timeout=5)
            assert answer.json() == {"ok": answer.status_code == 200}
            return answer.status_code

        wait_until(lambda: status() == 503, 20, "503")
        gate.set()
        wait_until(lambda: status() == 200, 20, "200")
        running.server.should_exit = True
        running.thread.join(10)
