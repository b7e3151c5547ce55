"""Each fault looks from outside like the outage it stands for, ends when told, and leaves the control routes alone."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox.control import is_loopback
from sandbox.errors import plain
from sandbox.faults import MODES, Fault, FaultError, FaultSwitch, parse
from sandbox.tests.client import PREFIX, Sandbox

BALANCE = f"{PREFIX}/portfolio/balance"


@contextlib.contextmanager
def asked(sandbox: Sandbox, path: str = BALANCE) -> Iterator[socket.socket]:
    """A connection that has sent a signed request and awaits the answer."""
    headers = sandbox.headers(path)
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: sandbox",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=5) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield connection


def read_all(connection: socket.socket) -> bytes:
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return found


def silent(connection: socket.socket, seconds: float) -> bool:
    """Not a byte and no end within so many seconds."""
    connection.settimeout(seconds)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(5)
    return False


def test_down_closes_without_a_byte(broken: Sandbox) -> None:
    broken.fault(mode="down")
    with asked(broken) as connection:
        assert read_all(connection) == b""


def test_reset_is_a_real_tcp_reset(broken: Sandbox) -> None:
    broken.fault(mode="reset")
    with asked(broken) as connection, pytest.raises(ConnectionResetError):
        read_all(connection)


def test_hang_sends_nothing_until_it_is_healed(broken: Sandbox) -> None:
    broken.fault(mode="hang")
    with asked(broken) as connection:
        assert silent(connection, 0.3)
        broken.heal()
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_hang_ends_by_itself_after_its_time(broken: Sandbox) -> None:
    broken.fault(mode="hang", for_s=0.4)
    begun = time.monotonic()
    assert broken.get("/exchange/status").status_code == 200
    assert time.monotonic() - begun > 0.3


def test_slow_drips_the_right_body_and_heals(broken: Sandbox) -> None:
    broken.fault(mode="slow")
    begun = time.monotonic()
    with asked(broken, f"{PREFIX}/exchange/user_data_timestamp") as connection:
        found = b""
        while found.partition(b"\r\n\r\n")[2] == b"":
            found += connection.recv(65536)
        assert found.partition(b"\r\n\r\n")[2] == b"{"
        found += connection.recv(65536)
        assert time.monotonic() - begun > 0.4
        broken.heal()
        while not found.endswith(b"}"):
            found += connection.recv(65536)
    assert set(json.loads(found.partition(b"\r\n\r\n")[2])) == {"as_of_time"}


def test_latency_delays_the_right_answer(broken: Sandbox) -> None:
    broken.fault(mode="latency", latency_ms=300)
    begun = time.monotonic()
    assert set(broken.body("/exchange/user_data_timestamp")) == {"as_of_time"}
    assert time.monotonic() - begun > 0.29


def test_garbage_is_html_with_status_200(broken: Sandbox) -> None:
    broken.fault(mode="garbage")
    answer = broken.get("/portfolio/balance")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<html>")


def test_truncate_promises_more_than_it_sends(broken: Sandbox) -> None:
    broken.fault(mode="truncate")
    with asked(broken) as connection:
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length")
    )
    assert length // 2 == len(body)
    with pytest.raises(requests.RequestException):
        broken.get("/portfolio/balance")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500, 502, 503, 504])
def test_status_answers_with_a_plausible_body(broken: Sandbox, status: int) -> None:
    broken.fault(mode="status", status=status)
    answer = broken.get("/portfolio/balance")
    assert answer.status_code == status
    assert answer.json() == plain(status)
    assert set(answer.json()["error"]) >= {"code", "message"}


def test_a_fault_may_hit_some_operations_and_a_share_of_them(broken: Sandbox) -> None:
    broken.fault(mode="status", status=503, operations=["get_balance"], rate=0.25)
    assert {broken.get("/exchange/status").status_code for _ in range(6)} == {200}
    assert [broken.get("/portfolio/balance").status_code for _ in range(8)].count(503) == 2


def test_hit_requests_are_counted_but_not_charged(broken: Sandbox) -> None:
    broken.fault(mode="status", status=429)
    before = broken.stats()
    broken.get("/portfolio/balance")
    after = broken.stats()
    assert after["requests"]["get_balance"] == before["requests"].get("get_balance", 0) + 1
    assert (after["tokens_used"], after["rejected"]) == (before["tokens_used"], before["rejected"])


def test_a_bad_signature_is_refused_under_latency_too(broken: Sandbox) -> None:
    broken.fault(mode="latency", latency_ms=1)
    assert broken.get("/portfolio/balance", key=None).status_code == 401


@pytest.mark.parametrize("mode", MODES)
def test_the_control_routes_answer_under_every_fault(broken: Sandbox, mode: str) -> None:
    broken.fault(mode=mode)
    assert broken.control("GET", "faults").json()["fault"]["mode"] == mode
    assert broken.control("GET", "truth").json()["cash_dollars"]
    assert broken.stats()["requests"]
    broken.heal()
    assert broken.control("GET", "faults").json() == {"fault": None}
    assert broken.get("/portfolio/balance").status_code == 200


def test_callers_who_give_up_do_no_harm(broken: Sandbox) -> None:
    broken.fault(mode="hang")
    for _ in range(20):
        with asked(broken):
            pass
    broken.heal()
    assert broken.get("/portfolio/balance").status_code == 200


@pytest.mark.parametrize(
    ("described", "sentence"),
    [
        ({}, "The mode must be one of down, reset, hang"),
        ({"mode": "evil"}, "The mode must be one of"),
        ({"mode": "down", "colour": 1}, "Unknown field 'colour'; allowed are mode, status"),
        ({"mode": "status", "status": 200}, "status must be a number from 300 to 599, not 200"),
        ({"mode": "status", "status": "503"}, "status must be a number"),
        ({"mode": "latency", "latency_ms": -1}, "latency_ms must be a number from 0"),
        ({"mode": "down", "rate": True}, "rate must be a number from 0 to 1"),
        ({"mode": "down", "for_s": "long"}, "for_s must be a number"),
        ({"mode": "down", "operations": "get_balance"}, "operations must be a list"),
        ({"mode": "down", "operations": ["get_nothing"]}, "Unknown operation 'get_nothing'; allowed are"),
        ([], "A fault is a JSON object"),
    ],
)
def test_a_bad_description_is_refused_with_what_is_allowed(
    broken: Sandbox, described: Any, sentence: str
) -> None:
    broken.fault(mode="latency", latency_ms=1)
    answer = broken.control("POST", "faults", json=described)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert broken.control("GET", "faults").json()["fault"]["mode"] == "latency"


def test_control_says_what_it_does_not_know(broken: Sandbox) -> None:
    assert broken.control("POST", "faults", data=b"{").status_code == 400
    assert broken.control("PUT", "faults").status_code == 405
    assert broken.control("POST", "stats").status_code == 405
    assert "/sandbox/truth" in broken.control("GET", "nothing").json()["error"]


def test_a_fault_with_a_time_limit_is_gone_after_it() -> None:
    switch = FaultSwitch()
    switch.set(parse({"mode": "down", "for_s": 10}, (), now=100))
    assert switch.current(109.9) is not None
    assert switch.current(110) is None


def test_a_replaced_fault_lets_its_waiters_go() -> None:
    switch, first = FaultSwitch(), Fault("hang")
    switch.set(first)
    switch.set(Fault("down"))
    assert first.healed.is_set()


@pytest.mark.parametrize(("rate", "hits"), [(0, 0), (0.1, 10), (1 / 3, 33), (0.5, 50), (1, 100)])
def test_the_rate_is_an_exact_share(rate: float, hits: int) -> None:
    fault = Fault("down", rate=rate)
    assert sum(fault.hits("get_balance") for _ in range(100)) == hits


def test_what_is_left_out_has_the_documented_default() -> None:
    assert parse({"mode": "down"}, (), 0).body() == {
        "mode": "down",
        "status": 503,
        "latency_ms": 800,
        "rate": 1.0,
        "operations": [],
        "for_s": None,
    }
    with pytest.raises(FaultError):
        parse(None, (), 0)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.0.0.1", False), ("::ffff:10.0.0.1", False),
     ("", False), (None, False)],
)  # fmt: skip
def test_only_the_own_machine_may_control(address: str | None, loopback: bool) -> None:
    assert is_loopback(address) == loopback
