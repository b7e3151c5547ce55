"""The real nginx, whose connections to the gateway carry everybody's requests: nobody gets an answer to another's."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from functools import partial
from random import Random
from typing import NamedTuple

import pytest

from kalshi.server import bounded
from kalshi.tests.deploy.nginx import HOST, Nginx
from kalshi.tests.edge.streams import stream
from kalshi.tests.edge.test_framing import HIDDEN, UPGRADE, Echo
from kalshi.tests.edge.test_protocol import Running, get, read


class Front(NamedTuple):
    nginx: Nginx
    server: Running

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.nginx.port), timeout=10)

    def ask(self, path: str) -> bytes:
        """The body of the answer to somebody who has nothing to do with the others."""
        with self.connect() as connection, connection.makefile("rb") as reading:
            connection.sendall(get(path).replace(b"Host: x", b"Host: " + HOST.encode()))
            head, _, body = read(reading).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            return body


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    protocol = partial(bounded.BoundedProtocol, of_the_process=bounded.OfTheProcess([HOST]))
    with socket.create_server((HOST, 0)) as listener:
        server = Running(Echo(), listener, protocol, keep_alive_s=5)
        changes = {"client_header_timeout 10s;": "client_header_timeout 1s;"}
        with Nginx(tmp_path_factory.mktemp("nginx"), server.port, tls=False, changes=changes) as nginx:
            yield Front(nginx, server)
        server.server.should_exit = True
        server.thread.join(10)


def test_everybody_gets_their_own_answer_beside_hostile_streams(front: Front) -> None:
    for first in range(0, 960, 16):
        with contextlib.ExitStack() as stack:
            for number in range(first, first + 16):
                connection = stack.enter_context(front.connect())
                with contextlib.suppress(ConnectionError):
                    for piece in stream(Random(number)):
                        connection.sendall(piece.replace(b"Host: x", b"Host: " + HOST.encode()))
            for victim in range(6):
                path = f"/long/victim-{first}-{victim}"
                assert front.ask(path) == path.encode()


@pytest.mark.parametrize("path", [b"/long/slow", b"/ws/", b"/static/x", b"/api/v1/kalshi/balance/"])
def test_a_body_after_an_upgrade_is_answered_to_nobody(front: Front, path: bytes) -> None:
    for _ in range(10):
        with front.connect() as connection:
            upgrade = UPGRADE.replace(b"Host: x", b"Host: " + HOST.encode()) % b"websocket"
            connection.sendall(b"POST %b HTTP/1.1\r\n%b" % (path, upgrade))
            connection.sendall(b"Content-Length: %d\r\n\r\n" % len(HIDDEN))
            connection.sendall(HIDDEN)
            for victim in ("/long/one", "/long/two"):
                assert front.ask(victim) == victim.encode()
            assert b"/hidden" not in connection.recv(65536)


def test_nginx_lets_through_what_the_gateway_takes_and_not_more(front: Front) -> None:
    ids = ",".join(["a" * 40] * 2_000)
    assert front.ask(f"/long/ids?tickers={ids}") == b"/long/ids"
    for head, status in ((get("/" + "a" * 100_000), 414), (get("/long", "X-A: " + "a" * 20_000), 431)):
        with front.connect() as connection:
            connection.sendall(head.replace(b"Host: x", b"Host: " + HOST.encode()))
            found = re.match(rb"HTTP/1.1 (\d+)", connection.recv(65536))
            assert found is not None
            assert int(found[1]) == status
