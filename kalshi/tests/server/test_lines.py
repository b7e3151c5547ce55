"""A few requests of each caller at a time: the others wait in line, and nobody else waits for them."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi.server.askers import Askers, crowd_of
from kalshi.server.connections import Held
from kalshi.server.lines import CROWD, LineFull, Lines
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


def test_strangers_of_many_networks_leave_a_thread_to_a_caller_who_is_known() -> None:
    go_on, begun = threading.Event(), list[str]()
    pool = DaemonThreads(POOL, at_end=lambda: None, lines=Lines(4, IN_LINE, crowd_of=crowd_of))

    def work(name: str) -> None:
        begun.append(name)
        assert go_on.wait(30)

    jobs = [
        pool.submit_for((held, f"192.0.2.{number}"), work, held.name)
        for number in range(40)
        for held in (Held.STRANGER, Held.JUDGED)
    ]
    # The pool is smaller than both crowds' places, so it is only here that a known caller waits at all.
    known = pool.submit_for((Held.CALLER, "person:1"), begun.append, "known")
    wait_until(lambda: len(begun) >= POOL, 20, "busy threads")
    go_on.set()
    known.result(20)
    assert begun.index("known") <= 2 * CROWD
    for job in jobs:
        job.result(20)
    assert begun.count("STRANGER") == begun.count("JUDGED") == 40 and not pool.queued


@given(
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from(["join", "leave", "give up"]), st.integers(0, 9))
    )
)
def test_of_a_crowd_only_so_many_jobs_are_worked_on_and_none_is_lost(
    acts: list[tuple[str, str, int]],
) -> None:
    lines: Lines[int] = Lines(
        2, 3, crowd_of=lambda who: "crowd" if who in {"a", "b", "c", "d"} else None, crowd=3
    )
    owner: dict[int, str] = {}
    begun, waiting = list[int](), list[int]()
    for number, (who, act, which) in enumerate(acts):
        mine = [job for job in (begun if act == "leave" else waiting) if owner[job] == who]
        if act == "join":
            owner[number] = who
            try:
                (begun if lines.join(who, number) else waiting).append(number)
            except LineFull:
                assert sum(owner[job] == who for job in waiting) >= 3
        elif mine and act == "leave":
            begun.remove(mine[which % len(mine)])
            following = lines.leave(who)
            if following is not None:
                waiting.remove(following)
                begun.append(following)
        elif mine:
            lines.give_up(who, mine[which % len(mine)])
            waiting.remove(mine[which % len(mine)])
        by_who = Counter(owner[job] for job in begun)
        in_crowd = begun_in_crowd = sum(count for name, count in by_who.items() if name != "e")
        assert in_crowd <= 3 and max(by_who.values(), default=0) <= 2 and len(lines) == len(waiting)
        # Nobody waits while there is a place for them.
        for job in waiting:
            assert by_who[owner[job]] == 2 or (owner[job] != "e" and begun_in_crowd == 3)


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
