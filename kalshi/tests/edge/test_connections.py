"""No stranger's connections keep others out."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.server import bounded, serving
from kalshi.server.connections import BURST, STRANGERS, Connections, Held
from kalshi.tests.edge.test_protocol import Application, Running, get, read
from kalshi.tests.servers import wait_until


class Line:
    def __init__(self) -> None:
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


def test_the_oldest_strangers_of_an_address_are_closed_and_never_the_newcomer() -> None:
    connections, lines = Connections(), [Line() for _ in range(70)]
    over = [connections.join(line, Held.STRANGER, "a") for line in lines]
    assert over == [False] * 64 + [True] * 6
    connections.trim(Held.STRANGER, "a")
    assert [line.is_cut for line in lines] == [True] * 6 + [False] * 64


def test_other_addresses_and_callers_are_left_alone() -> None:
    connections, others = Connections(), [Line() for _ in range(40)]
    for line in others[:20]:
        connections.join(line, Held.STRANGER, "b")
    for line in others[20:]:
        connections.join(line, Held.STRANGER, "a")
        connections.join(line, Held.CALLER, "person:1")
    for _ in range(1_000):
        connections.join(Line(), Held.STRANGER, "a")
    connections.trim(Held.STRANGER, "a")
    assert not any(line.is_cut for line in others)


def test_a_flood_is_cut_down_before_anybody_was_judged() -> None:
    connections, lines = Connections(), [Line() for _ in range(1_000)]
    for line in lines:
        connections.join(line, Held.STRANGER, "a")
    assert sum(not line.is_cut for line in lines) == 64 * BURST


@pytest.mark.parametrize("held", [Held.STRANGER, Held.JUDGED])
def test_of_all_strangers_together_the_oldest_are_closed_and_no_caller(held: Held) -> None:
    connections, lines, callers = (
        Connections(strangers=10),
        [Line() for _ in range(14)],
        [Line() for _ in range(20)],
    )
    for line in callers:
        connections.join(line, held, "a")
        connections.join(line, Held.CALLER, "person:1")
    for number, line in enumerate(lines):
        connections.join(line, held, f"address {number}")
        if number == 0:
            connections.leave(line)
    assert [line.is_cut for line in lines] == [False] + [True] * 3 + [False] * 10
    assert not any(line.is_cut for line in callers)


def test_of_a_callers_connections_the_oldest_are_closed_and_nobody_elses() -> None:
    connections, other, lines = Connections(), Line(), [Line() for _ in range(2_100)]
    connections.join(other, Held.CALLER, "person:2")
    for line in lines:
        connections.join(line, Held.CALLER, "person:1")
    connections.trim(Held.CALLER, "person:1")
    assert [line.is_cut for line in lines] == [True] * 52 + [False] * 2_048
    assert not other.is_cut


@pytest.mark.parametrize(("descriptors", "most"), [(600, 300), (8_000, 4_000), (65_536, 4_096)])
def test_strangers_never_have_more_than_half_of_what_the_process_may_open(
    descriptors: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "raise_limit", lambda: descriptors)
    protocol: Any = serving.config(1).http
    connections, lines = protocol.keywords["of_the_process"].connections, [Line() for _ in range(4_200)]
    for number, line in enumerate(lines):
        connections.join(line, Held.STRANGER, f"address {number}")
    assert [line.is_cut for line in lines] == [True] * (len(lines) - most) + [False] * most


@pytest.mark.parametrize(("descriptors", "most"), [(600, 150), (8_000, 2_000), (65_536, 2_048)])
def test_a_caller_never_has_more_than_a_quarter_of_it(
    descriptors: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "raise_limit", lambda: descriptors)
    protocol: Any = serving.config(1).http
    connections, lines = protocol.keywords["of_the_process"].connections, [Line() for _ in range(2_100)]
    for line in lines:
        connections.join(line, Held.CALLER, "person:1")
    connections.trim(Held.CALLER, "person:1")
    assert [line.is_cut for line in lines] == [True] * (len(lines) - most) + [False] * most


@given(st.lists(st.sampled_from(["stranger", "other stranger", "a", "b", "c"]), max_size=200))
def test_beyond_what_all_may_have_whoever_has_the_most_loses_the_oldest(holders: list[str]) -> None:
    connections, alive = Connections(strangers=15, caller=10, together=20), dict[Line, str]()
    for holder in holders:
        line = Line()
        connections.join(line, Held.STRANGER if "stranger" in holder else Held.CALLER, holder)
        alive[line] = holder
        before = Counter("strangers" if "stranger" in name else name for name in alive.values())
        for lost in [line for line in alive if line.is_cut]:
            name = "strangers" if "stranger" in alive[lost] else alive[lost]
            assert before[name] == max(before.values()) or before[name] > 15
            del alive[lost]
        assert len(alive) <= 20 and not line.is_cut


def test_a_closed_connection_counts_no_more() -> None:
    connections, lines = Connections(), [Line() for _ in range(200)]
    for line in lines:
        assert not connections.join(line, Held.STRANGER, "a")
        connections.leave(line)
        connections.leave(line)


class Door(Application):
    """Knows who comes with a good credential; at /judging that takes for ever."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while scope["type"] == "http" and scope["path"] == "/judging":
            if (await receive())["type"] == "http.disconnect":
                return
        if scope["type"] == "http" and (b"authorization", b"good") in scope["headers"]:
            scope[bounded.CONNECTION].shown("person:1")
        await super().__call__(scope, receive, send)


def running(*proxies: str, strangers: int = STRANGERS) -> Iterator[Running]:
    shared = bounded.OfTheProcess(proxies, Connections(strangers))
    protocol = partial(bounded.BoundedProtocol, of_the_process=shared)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = Running(Door(), listener, protocol, keep_alive_s=30)
        yield found
        found.server.should_exit = True
        found.thread.join(10)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    yield from running()


@pytest.fixture(scope="module")
def small_house() -> Iterator[Running]:
    yield from running(strangers=40)


@pytest.fixture(scope="module")
def behind_a_proxy() -> Iterator[Running]:
    yield from running("127.0.0.1/32")


def is_closed(connection: socket.socket) -> bool:
    """Whatever was answered is thrown away."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


@contextlib.contextmanager
def many(server: Running, count: int, request: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections that each send a request at once."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connections.append(stack.enter_context(server.connect()))
            connections[-1].sendall(request)
        yield connections


def test_of_a_hundred_connections_that_say_nothing_64_stay(server: Running) -> None:
    with many(server, 100) as connections:
        wait_until(lambda: sum(map(is_closed, connections)) == 36, 10, "36 closed ones")
        assert all(map(is_closed, connections[:36]))
        assert server.ask(get("/long"))[0].startswith(b"HTTP/1.1 200")


def test_strangers_of_many_addresses_do_not_fill_the_house(small_house: Running) -> None:
    with contextlib.ExitStack() as stack:
        caller = stack.enter_context(small_house.connect())
        caller.sendall(get("/long", "Authorization: good"))
        with caller.makefile("rb") as stream:
            assert read(stream).startswith(b"HTTP/1.1 200")
        here, strangers = ("127.0.0.1", small_house.port), []
        for number in range(60):
            strangers.append(socket.create_connection(here, source_address=(f"127.0.1.{number + 1}", 0)))
            stack.enter_context(strangers[-1])
        wait_until(lambda: sum(map(is_closed, strangers)) == 20, 10, "20 closed ones")
        assert all(map(is_closed, strangers[:20]))
        assert small_house.ask(get("/long"))[0].startswith(b"HTTP/1.1 200")
        assert not is_closed(caller)


@pytest.mark.parametrize("path", ["/long", "/"])
def test_signed_in_callers_keep_two_hundred(server: Running, path: str) -> None:
    with many(server, 200, get("/long", "Authorization: good")) as connections:
        for connection in connections:
            read(connection.makefile("rb"))
        with many(server, 100) as strangers:
            wait_until(lambda: sum(map(is_closed, strangers)) == 36, 10, "36 closed ones")
            for connection in connections:
                connection.settimeout(5)
                connection.sendall(get(path))
                assert read(connection.makefile("rb")).startswith(b"HTTP/1.1 200")


def test_while_credentials_are_judged_256_of_an_address_stay(server: Running) -> None:
    with many(server, 300, get("/judging", "Authorization: whose?", method="POST")) as connections:
        wait_until(lambda: sum(map(is_closed, connections)) == 44, 20, "44 closed ones")
        assert all(map(is_closed, connections[:44]))
        assert server.ask(get("/long"))[0].startswith(b"HTTP/1.1 200")


def test_a_bad_credential_makes_nobody_known(server: Running) -> None:
    with many(server, 100, get("/long", "Authorization: bad")) as connections:
        wait_until(lambda: sum(map(is_closed, connections)) >= 36, 10, "36 closed ones")


def test_connections_of_a_proxy_are_not_counted(behind_a_proxy: Running) -> None:
    with many(behind_a_proxy, 150) as connections:
        for connection in connections:
            connection.sendall(get("/long", "X-Forwarded-For: 203.0.113.7"))
            assert read(connection.makefile("rb")).startswith(b"HTTP/1.1 200")
        assert not any(map(is_closed, connections))
