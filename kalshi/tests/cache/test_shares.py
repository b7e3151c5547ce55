"""One caller has much to ask: what the others notice of it, and what the caller hears."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi import errors
from kalshi.cache.crew import PER_CALLER, Crew
from kalshi.cache.readthrough import MAX_WAITING, THREADS_PER_POOL
from kalshi.cache.store import open_store
from kalshi.cache.waiting import FEW, Seats, WaitingRoom
from kalshi.tests.cache.drills import DEADLINE_S, IMPATIENT, Drill, outcomes, until
from kalshi.tests.cache.stores import local_cache

GREEDY, MODEST = "token:greedy", "token:modest"


@pytest.fixture
def drill() -> Iterator[Drill]:
    made = Drill(open_store(local_cache()), max_waiting=MAX_WAITING)
    yield made
    made.close()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(300) as pool:
        yield pool


def ask_for_all(
    drill: Drill, threads: ThreadPoolExecutor, count: int, pool: str = "get_orders"
) -> list[Future[Any]]:
    """As many cold questions of the greedy one's, each of which waits by now or was refused."""
    seated = Counter[str]()
    lock = threading.Lock()

    def sit() -> None:
        with lock:
            seated["waiting"] += 1

    futures = [
        threads.submit(drill.read, key=f"{pool} {number}", pool=pool, caller=GREEDY, before_wait=sit)
        for number in range(count)
    ]
    until(lambda: seated["waiting"] + sum(future.done() for future in futures) == count)
    return futures


def test_whoever_asks_230_cold_questions_hears_of_it_and_nobody_else_does(
    drill: Drill, threads: ThreadPoolExecutor
) -> None:
    drill.upstream.hold()
    theirs = ask_for_all(drill, threads, 230)
    others = [
        threads.submit(
            drill.read, key=f"own {n}", pool="get_orders", caller=f"token:{n}", load=lambda: (200, b"{}")
        )
        for n in range(10)
    ]
    assert outcomes(others) == ["miss"] * 10
    refused = [future.exception() for future in theirs if future.done()]
    assert {type(error) for error in refused} == {errors.ShareTaken}
    assert 0 < len(refused) <= 40
    assert {(error.status, error.code, error.retry_after_s) for error in refused} == {
        (429, "too_many_requests", 1)
    }
    drill.upstream.let_go()
    assert Counter(str(found) for found in outcomes(theirs))["miss"] == 230 - len(refused)


def test_a_question_that_another_caller_queued_among_many_is_fetched_in_ones_own_turn(
    drill: Drill, threads: ThreadPoolExecutor
) -> None:
    drill.upstream.hold()
    theirs = ask_for_all(drill, threads, 100)
    begun = THREADS_PER_POOL // 2
    until(lambda: drill.upstream.loads == begun)
    mine = threads.submit(drill.read, key="get_orders 99", pool="get_orders", caller=MODEST)
    until(lambda: drill.upstream.loads == begun + 1)
    drill.upstream.let_go()
    assert outcomes([mine]) == ["collapsed"]
    assert set(outcomes(theirs)) == {"miss"}
    assert drill.upstream.loads == 100, "no question was fetched twice"


def test_one_callers_fetches_never_take_all_threads_nor_the_budget_of_all(
    drill: Drill, threads: ThreadPoolExecutor
) -> None:
    drill.upstream.hold()
    theirs = ask_for_all(drill, threads, 30, "get_orders")
    until(lambda: drill.upstream.loads == THREADS_PER_POOL // 2)
    theirs += ask_for_all(drill, threads, 30, "get_fills")
    theirs += ask_for_all(drill, threads, 30, "get_events")
    until(lambda: drill.upstream.loads == PER_CALLER)
    mine = threads.submit(drill.read, key="mine", pool="get_fills", caller=MODEST)
    until(lambda: drill.upstream.loads == PER_CALLER + 1)
    drill.upstream.let_go()
    assert set(outcomes([mine, *theirs])) == {"miss"}


def test_with_a_copy_the_greedy_one_gets_it_and_the_others_their_refresh(drill: Drill) -> None:
    keys = [f"key {number}" for number in range(MAX_WAITING)]
    for key in [*keys, "mine"]:
        drill.warm(key=key)
    drill.now += 140
    drill.upstream.hold()
    details = Counter(drill.read(IMPATIENT, key=key, caller=GREEDY).detail for key in keys)
    assert set(details) == {"refreshing", "too_many_requests"}
    assert drill.read(IMPATIENT, key="mine", caller=MODEST).detail == "refreshing"
    assert drill.through.refreshing("mine")


def test_the_last_places_of_a_room_are_for_other_operations() -> None:
    room = WaitingRoom(MAX_WAITING)
    taken = [room.seat("hanging", f"caller {number}") for number in range(MAX_WAITING)]
    said = Counter(seat.__enter__() for seat in taken)
    assert said["full"] == 15
    with room.seat("other", "anybody") as seat:
        assert seat == "taken"
    for seat in taken:
        seat.__exit__(None, None, None)
    assert room.taken == 0


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b", "c"]), st.booleans()), max_size=300))
def test_no_seat_is_given_twice_and_the_last_ones_are_for_those_who_have_few(
    moves: list[tuple[str, bool]],
) -> None:
    seats = Seats(64)
    held: Counter[str] = Counter()
    for caller, takes in moves:
        if takes:
            taken = seats.take(caller)
            assert (taken == "full") == (held.total() == 64)
            assert taken != "share" or (caller and held[caller] >= FEW and 64 - held.total() <= 8)
            held[caller] += taken == "taken"
        elif held[caller]:
            seats.give(caller)
            held[caller] -= 1
        assert seats.taken == held.total() <= 64


def test_callers_take_turns_in_the_order_of_their_need() -> None:
    crew = Crew("", threads=1, max_jobs=100)
    began, go, done = threading.Event(), threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        began.set()
        go.wait(DEADLINE_S)

    crew.submit("drill", first, "a")
    assert began.wait(DEADLINE_S)
    for number in range(3):
        crew.submit("drill", lambda number=number: order.append(f"a{number}"), "a")
    crew.submit("drill", lambda: order.append("b"), "b")
    crew.submit("drill", done.set, "c")
    go.set()
    assert done.wait(DEADLINE_S)
    until(lambda: len(order) == 4)
    crew.close()
    assert order.index("b") < 2
