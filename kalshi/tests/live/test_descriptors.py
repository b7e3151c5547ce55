"""Where the system lets the server open few files and connections, nobody takes them all."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.server import descriptors
from kalshi.tests.edge.test_protocol import read
from kalshi.tests.live.served import BALANCE, Prepared, Served
from kalshi.tests.live.test_serve import in_vain
from kalshi.tests.servers import Sandbox, running

LIMIT = 600
LARGE_FILE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
OTHERS = "127.0.0.9"


def serve_with(limit: int) -> list[str]:
    code = f"""
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
sys.argv = ["manage.py", "serve"]
runpy.run_path("manage.py", run_name="__main__")
"""
    return ["-c", code]


@pytest.fixture(scope="module")
def served(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    prepared = Prepared(tmp_path_factory.mktemp("prepared"))
    with running(
        lambda folder: Served(folder, prepared, *serve_with(LIMIT), **sandbox.environment())
    ) as server:
        yield server


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def connect(served: Served, address: str) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    connection.settimeout(10)
    connection.bind((address, 0))
    connection.connect(("127.0.0.1", served.port))
    return connection


def statuses_of_others(served: Served) -> set[bytes]:
    """What new callers get, with and without a credential."""
    seen = set()
    for path in ("/readyz", "/sign-in/", "/metrics") * 5:
        with connect(served, OTHERS) as connection, connection.makefile("rb") as stream:
            connection.sendall(
                get(path, f"Authorization: Bearer {served.metrics_token}", "Connection: close")
            )
            seen.add(stream.readline().split()[1])
    return seen


def test_strangers_who_read_large_files_slowly_leave_enough_for_the_others(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(480):
            with contextlib.suppress(OSError):
                reader = stack.enter_context(connect(served, f"127.0.1.{number % 12 + 1}"))
                reader.sendall(get(LARGE_FILE))
        assert statuses_of_others(served) == {b"200"}
    assert "Traceback" not in served.process.output


def test_one_caller_leaves_enough_for_the_others(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(590):
            with contextlib.suppress(OSError, AssertionError):
                connection = stack.enter_context(connect(served, "127.0.0.1"))
                connection.sendall(get(BALANCE, f"Authorization: Bearer {served.token}"))
                read(connection.makefile("rb"))
        assert statuses_of_others(served) == {b"200"}
    assert "Traceback" not in served.process.output


@given(st.integers(descriptors.LEAST, 100_000))
def test_all_shares_together_leave_some_for_the_server_itself(limit: int) -> None:
    shares = descriptors.shares(limit)
    files = shares.together + shares.answers + 3 * shares.threads
    assert files <= limit - 64
    assert 24 <= shares.waiting < shares.threads <= 256


def test_strangers_whose_pages_need_the_database_leave_enough_for_the_others(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(256):
            with contextlib.suppress(OSError):
                asker = stack.enter_context(connect(served, f"127.0.2.{number // 4 + 1}"))
                cookie = f"Cookie: sessionid={secrets.token_hex(16)}"
                asker.sendall(get("/you/", cookie) * 20)
        assert statuses_of_others(served) == {b"200"}
    assert "unable to open" not in served.process.output
    assert "Too many open files" not in served.process.output


def test_a_server_that_may_open_too_little_does_not_start(tmp_path: Path, sandbox: Sandbox) -> None:
    ended = in_vain(tmp_path, serve_with(400), **sandbox.environment())
    assert ended.returncode == 1
    assert "open 400 files and connections at once, and it needs 512" in ended.stderr
    assert "Traceback" not in ended.stderr
