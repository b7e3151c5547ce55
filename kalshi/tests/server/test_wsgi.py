"""No thread waits for a client, whatever the client does: three threads, and many more clients than that."""

from __future__ import annotations

import socket
import struct
from functools import partial
from pathlib import Path

import pytest

from kalshi.server import collected
from kalshi.tests.edge.test_protocol import get, read
from kalshi.tests.server.conftest import LARGE, THREADS, Served
from kalshi.tests.servers import wait_until

CLIENTS = 10 * THREADS


def post(path: str, length: int) -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), length)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def answers_at_once(served: Served) -> None:
    (answer,) = served.ask(get("/now"))
    assert answer.endswith(b"\r\n\r\n/now 0")


def test_half_sent_bodies_take_no_thread(served: Served) -> None:
    halves = [served.connect() for _ in range(CLIENTS)]
    for half in halves:
        half.sendall(post("/form", 20) + b"user=")
    answers_at_once(served)
    assert served.site.begun == ["/now"]
    halves[0].sendall(b"x" * 15)
    with halves[0].makefile("rb") as stream:
        assert read(stream).endswith(b"/form 20")
    for half in halves[1:]:
        reset(half)
    answers_at_once(served)
    assert served.site.begun == ["/now", "/form", "/now"]
    halves[0].close()


def test_clients_that_ask_for_files_and_are_gone_take_no_thread(served: Served) -> None:
    clients = [served.connect() for _ in range(CLIENTS)]
    for client in clients:
        client.sendall(get("/file") * 4)
    wait_until(lambda: len(served.site.begun) == CLIENTS, 20, "the files")
    answers_at_once(served)
    for client in clients:
        reset(client)
    wait_until(lambda: not served.server.server_state.tasks, 20, "the end of the answers")
    answers_at_once(served)


def test_a_file_comes_whole_to_a_reader_that_takes_its_time(served: Served) -> None:
    with served.connect() as client, client.makefile("rb") as stream:
        client.sendall(get("/file") + get("/after"))
        assert read(stream).endswith(b"f" * LARGE)
        assert read(stream).endswith(b"/after 0")


def test_a_stream_without_an_end_ends_with_its_client(served: Served) -> None:
    clients = [served.connect() for _ in range(THREADS)]
    for client in clients:
        client.sendall(get("/stream"))
    wait_until(lambda: len(served.site.begun) == THREADS, 20, "the streams")
    for client in clients:
        reset(client)
    answers_at_once(served)
    assert served.site.closed >= 1


def test_a_full_disk_is_told_to_everybody_and_forgotten_when_there_is_room_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.site.go_on.set()
    free = served.site.rooms.disk.left
    with monkeypatch.context() as patch:
        patch.setattr(collected.tempfile, "TemporaryFile", partial(Path("/dev/full").open, "wb"))
        for _ in range(3):
            (answer,) = served.ask(get("/stream"))
            assert answer.startswith(b"HTTP/1.1 503 ") and b"no room on its disk" in answer
    assert served.site.rooms.disk.left == free
    (answer,) = served.ask(get("/stream"))
    assert b"larger than" in answer


def test_a_stream_that_is_too_long_is_a_503(served: Served) -> None:
    served.site.go_on.set()
    (answer,) = served.ask(get("/stream"))
    assert answer.startswith(b"HTTP/1.1 503 ") and b"larger than" in answer
    wait_until(lambda: served.site.rooms.disk.left == served.site.rooms.memory.left << 4, 5, "room")


def test_jobs_of_clients_that_left_before_their_turn_are_never_done(served: Served) -> None:
    holding = [served.connect() for _ in range(THREADS)]
    for client in holding:
        client.sendall(get("/wait"))
    wait_until(lambda: len(served.site.begun) == THREADS, 20, "busy threads")
    queued = [served.connect() for _ in range(CLIENTS)]
    for client in queued:
        client.sendall(get("/queued"))
    wait_until(lambda: served.site.pool.queued == CLIENTS, 20, "the queue")
    for client in queued:
        reset(client)
    wait_until(lambda: served.site.pool.queued == 0, 20, "an empty queue")
    for client in holding:
        reset(client)
    served.site.go_on.set()
    answers_at_once(served)
    assert "/queued" not in served.site.begun


def test_a_failing_application_is_a_500_and_the_connection_can_be_used_no_more(served: Served) -> None:
    (answer,) = served.ask(get("/broken"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    answers_at_once(served)


def test_head_has_no_body(served: Served) -> None:
    with served.connect() as client, client.makefile("rb") as stream:
        client.sendall(get("/file").replace(b"GET", b"HEAD") + get("/after"))
        assert read(stream, head_only=True).startswith(b"HTTP/1.1 200")
        assert read(stream).endswith(b"/after 0")
