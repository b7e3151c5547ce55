"""Clients that leave, take nothing or send half, by the hundred: Django still answers everybody else."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import struct
from collections.abc import Iterator

import pytest
import requests

from kalshi.tests.servers import Gateway, Sandbox, running, wait_until

FILE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
LARGER_FILE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
MORE_THAN_THREADS = 270
EVENTS = 3_000


def asked(gateway: Gateway, request: str, *, times: int = 1, keeps: int = 0) -> socket.socket:
    """A connection that has asked. keeps: how much the system may hold for it, unread."""
    connection = socket.socket()
    if keeps:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, keeps)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", gateway.port))
    connection.sendall(request.encode() * times)
    return connection


def get(path: str, headers: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n"


def reset(connections: list[socket.socket]) -> None:
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def django_answers(gateway: Gateway) -> None:
    """Before half a request is given up, which takes 20 s."""
    for path, status in (("/readyz", 200), ("/sign-in/", 200), ("/api/v1/kalshi/orders/?limit=7", 401)):
        assert requests.get(gateway.base_url + path, timeout=15).status_code == status
    assert requests.get(gateway.base_url + FILE, timeout=15).headers["Content-Length"] > "1000000"


@pytest.fixture(scope="module")
def session(gateway: Gateway) -> Iterator[str]:
    """The cookie of an owner whose audit log is long."""
    with contextlib.closing(sqlite3.connect(gateway.data_dir / "db.sqlite3", timeout=20)) as database:
        database.executemany(
            "INSERT INTO kalshi_auditevent (at, actor, actor_pk, action, account, target, request_id, details) "
            "VALUES ('2001-01-01 00:00:00', 'owner', '', 'signed in', '', ?, 'abcdefgh', '{}')",
            [(f"{number}" * 20,) for number in range(EVENTS)],
        )
        database.commit()
    with gateway.sign_in() as browser:
        yield f"Cookie: sessionid={browser.cookies['sessionid']}\r\n"


def test_files_that_were_asked_for_and_never_taken(gateway: Gateway) -> None:
    gone = [asked(gateway, get(FILE), times=4) for _ in range(MORE_THAN_THREADS)]
    for connection in gone:
        assert connection.recv(15).startswith(b"HTTP/1.1 200")
    reset(gone)
    django_answers(gateway)


def test_half_sent_forms(gateway: Gateway) -> None:
    # Without the cookie or the type Django would not look for the body.
    lines = (
        "POST /sign-in/ HTTP/1.1",
        "Host: 127.0.0.1",
        f"Cookie: csrftoken={'a' * 32}",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 50",
    )
    form = "\r\n".join((*lines, "", "username="))
    half = [asked(gateway, form) for _ in range(MORE_THAN_THREADS)]
    django_answers(gateway)
    reset(half)
    django_answers(gateway)


@pytest.mark.parametrize("path", [FILE, "/audit.csv"])
def test_slow_readers(gateway: Gateway, session: str, path: str) -> None:
    slow = [asked(gateway, get(path, session), keeps=4096) for _ in range(40 if "csv" in path else 300)]
    assert slow[0].recv(1) == b"H"
    django_answers(gateway)
    for reader in slow:
        reader.settimeout(30)
        assert reader.recv(1) in b"HT"
    django_answers(gateway)
    reset(slow)
    django_answers(gateway)


def test_exports_whose_readers_leave_in_the_middle(gateway: Gateway, session: str) -> None:
    gone = [asked(gateway, get("/audit.csv", session)) for _ in range(30)]
    assert gone[0].recv(1) == b"H"
    reset(gone)
    django_answers(gateway)


def test_an_export_comes_whole(gateway: Gateway, session: str) -> None:
    name, _, value = session.strip().removeprefix("Cookie: ").partition("=")
    answer = requests.get(f"{gateway.base_url}/audit.csv", cookies={name: value}, timeout=30)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(answer.text.splitlines()) > EVENTS


def test_nothing_of_it_is_logged_as_a_fault(gateway: Gateway) -> None:
    gone = [asked(gateway, get(FILE), times=4) for _ in range(20)]
    reset(gone)
    django_answers(gateway)
    wait_until(lambda: any('"/readyz"' in line for line in gateway.process.lines), 5, "the log")
    assert [line for line in gateway.process.lines if '"level": "error"' in line] == []


def test_a_stop_leaves_slow_readers_without_a_traceback(sandbox: Sandbox) -> None:
    with running(lambda folder: Gateway(folder, **sandbox.environment())) as gateway:
        readers = [asked(gateway, get(LARGER_FILE), keeps=2048) for _ in range(20)]
        django_answers(gateway)
        gateway.stop()
        reset(readers)
        assert "Cancel " in gateway.process.output
        assert "Traceback" not in gateway.process.output
        assert "CancelledError" not in gateway.process.output
