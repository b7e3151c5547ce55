"""A few requests of each caller at a time: the others wait in line, and nobody else waits for them."""

from __future__ import annotations

import json
import socket
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.server.askers import Askers
from kalshi.server.connections import Held
from kalshi.server.lines import LineFull, Lines
from kalshi.server.threads import DaemonThreads
from kalshi.tests.edge.test_protocol import get, read
from kalshi.tests.server.conftest import Served
from kalshi.tests.server.test_wsgi import reset
from kalshi.tests.servers import wait_until

EACH, IN_LINE, POOL = 2, 20, 12
CLIENTS = 15


@pytest.fixture
def pool() -> DaemonThreads:
    return DaemonThreads(POOL, at_end=lambda: None, lines=Lines(EACH, IN_LINE))


def by(token: str, path: str) -> bytes:
    return get(path).replace(b"\r\n\r\n", b"\r\nAuthorization: %b\r\n\r\n" % token.encode())


def many(served: Served, request: bytes, count: int = CLIENTS) -> list[socket.socket]:
    clients = [served.connect() for _ in range(count)]
    for client in clients:
        client.sendall(request)
    return clients


@pytest.mark.parametrize("token", ["good one", "bad one", None], ids=["caller", "bad token", "stranger"])
def test_whoever_asks_much_has_a_few_threads_and_leaves_the_others_theirs(
    served: Served, token: str | None
) -> None:
    first = get("/first") if token is None else by(token, "/first")
    served.ask(first)
    served.ask(by("good other", "/known"))
    clients = many(served, get("/wait") if token is None else by(token, "/wait"))
    wait_until(lambda: served.site.pool.queued == CLIENTS - EACH, 20, "the line")
    assert Counter(served.site.begun)["/wait"] == EACH
    (answer,) = served.ask(by("good other", "/now"))
    assert answer.endswith(b"/now 0")
    assert served.site.pool.threads <= EACH + 1
    served.site.go_on.set()
    for client in clients:
        with client.makefile("rb") as stream:
            assert read(stream).endswith(b"/wait 0")
        client.close()


def test_whoever_only_waits_takes_no_place(served: Served) -> None:
    clients = many(served, by("good one", "/aside"), POOL - 1)
    wait_until(lambda: Counter(served.site.begun)["/aside"] == POOL - 1, 20, "all of them")
    (answer,) = served.ask(by("good one", "/now"))
    assert answer.endswith(b"/now 0")
    for client in clients:
        reset(client)


def test_who_leaves_while_in_line_is_never_worked_for(served: Served) -> None:
    holding = many(served, by("bad", "/wait"), EACH)
    wait_until(lambda: len(served.site.begun) == EACH, 20, "busy places")
    queued = many(served, by("bad", "/queued"))
    wait_until(lambda: served.site.pool.queued == CLIENTS, 20, "the line")
    for client in queued:
        reset(client)
    wait_until(lambda: served.site.pool.queued == 0, 20, "an empty line")
    served.site.go_on.set()
    (answer,) = served.ask(by("bad", "/now"))
    assert answer.endswith(b"/now 0") and "/queued" not in served.site.begun
    for client in holding:
        client.close()


def test_beyond_the_line_the_answer_is_429_at_once(served: Served) -> None:
    clients = many(served, get("/wait"), EACH + IN_LINE)
    wait_until(lambda: served.site.pool.queued == IN_LINE, 20, "the line")
    (answer,) = served.ask(get("/now"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 429 ") and b"\r\nretry-after: 2" in head
    assert json.loads(body)["code"] == "too_many_requests"
    for client in clients:
        reset(client)


def test_a_job_in_line_counts_for_whether_the_threads_stand_still(served: Served) -> None:
    clients = many(served, get("/wait"), EACH + 1)
    wait_until(lambda: served.site.pool.queued == 1, 20, "the line")
    assert served.site.pool.stands_still_s(float("inf")) == float("inf")
    for client in clients:
        reset(client)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["join", "leave", "give up"]))))
def test_each_caller_has_at_most_its_places_and_its_jobs_begin_in_order(acts: list[tuple[str, str]]) -> None:
    lines: Lines[int] = Lines(2, 3)
    begun: dict[str, list[int]] = {who: [] for who in "abc"}
    line: dict[str, list[int]] = {who: [] for who in "abc"}
    for number, (who, act) in enumerate(acts):
        if act == "join" and len(line[who]) == 3:
            with pytest.raises(LineFull):
                lines.join(who, number)
        elif act == "join":
            (begun if lines.join(who, number) else line)[who].append(number)
        elif act == "leave" and begun[who]:
            begun[who].pop(0)
            following = lines.leave(who)
            assert following == (line[who].pop(0) if line[who] else None)
            begun[who] += [] if following is None else [following]
        elif act == "give up" and line[who]:
            lines.give_up(who, line[who].pop())
        assert len(begun[who]) <= 2
        assert not line[who] or len(begun[who]) == 2
        assert len(lines) == sum(map(len, line.values()))
        assert sorted(lines.first_of_each()) == sorted(jobs[0] for jobs in line.values() if jobs)


def scope(address: str = "192.0.2.1", **headers: bytes) -> dict[str, object]:
    pairs = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return {"client": (address, 1), "headers": pairs}


def test_a_share_is_the_callers_once_the_credential_was_good_and_else_the_networks() -> None:
    askers = Askers()
    session, token = scope(cookie=b"sessionid=1"), scope(authorization=b"Bearer 1")
    assert askers.group(scope()) == (Held.STRANGER, "192.0.2.1")
    assert askers.group(scope("2001:db8::1:2")) == (Held.STRANGER, "2001:db8::/64")
    assert askers.group(session) == askers.group(token) == (Held.JUDGED, "192.0.2.1")
    askers.judged(scope(), "person:1")
    askers.judged(session, "person:1")
    askers.judged(token, "ApiToken:1")
    assert askers.group(scope()) == (Held.STRANGER, "192.0.2.1")
    assert askers.group(session) == (Held.CALLER, "person:1")
    assert askers.group(token) == (Held.CALLER, "ApiToken:1")
    askers.judged(session, None)
    assert askers.group(session) == (Held.JUDGED, "192.0.2.1")


def test_nobody_takes_the_share_of_a_key_whose_id_they_know() -> None:
    askers = Askers()
    askers.judged(scope(kalshi_access_key=b"k"), "VirtualKey:1")
    assert askers.group(scope(kalshi_access_key=b"k")) == (Held.CALLER, "VirtualKey:1")
    assert askers.group(scope("192.0.2.2", kalshi_access_key=b"k")) == (Held.JUDGED, "192.0.2.2")
