"""Costly work: few at a time, a share for each caller, everything once; and what callers hear beyond it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from kalshi.cache.waiting import WaitingRoom
from kalshi.errors import ShareTaken, UpstreamUnavailable
from kalshi.services.costly import ASKED, PER_CALLER, SEATS, Costly
from kalshi.tests.cache.drills import DEADLINE_S, until

GREEDY, MODEST = "token:greedy", "token:modest"


class Drill:
    """Work that lasts until it may end, and what ran at once."""

    def __init__(self, begin_s: float = DEADLINE_S, seats: int = 100) -> None:
        self.room = WaitingRoom(seats)
        self.costly = Costly(room=lambda caller: self.room.seat("costly", caller), begin_s=begin_s)
        self.go = threading.Event()
        self.running: list[str] = []
        self.made: list[str] = []
        self._lock = threading.Lock()

    def ask(self, caller: str, key: str, error: Exception | None = None) -> str:
        def make() -> str:
            with self._lock:
                self.running.append(caller)
            assert self.go.wait(DEADLINE_S)
            with self._lock:
                self.running.remove(caller)
                self.made.append(key)
            if error is not None:
                raise error
            return f"document {key}"

        return self.costly.once(key, caller, make)


@pytest.fixture
def threads() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(100) as pool:
        yield pool.submit


def outcomes(futures: list[Future[str]]) -> list[Any]:
    return [future.exception(DEADLINE_S) or future.result() for future in futures]


def test_what_many_ask_for_is_made_once_and_handed_to_all(threads: Callable[..., Future[str]]) -> None:
    drill = Drill()
    futures = [threads(drill.ask, f"caller {number}", "d") for number in range(40)]
    until(lambda: drill.room.taken == 39)
    drill.go.set()
    assert outcomes(futures) == ["document d"] * 40
    assert drill.made == ["d"]
    assert drill.ask(MODEST, "d") == "document d"
    assert drill.made == ["d", "d"], "who asks later has it made anew"


def test_one_caller_never_has_all_seats_and_another_question_gets_in(
    threads: Callable[..., Future[str]],
) -> None:
    drill = Drill()
    theirs = [threads(drill.ask, GREEDY, f"theirs {number}") for number in range(ASKED)]
    until(lambda: drill.room.taken == ASKED - PER_CALLER)
    assert drill.running == [GREEDY] * PER_CALLER
    with pytest.raises(ShareTaken) as refused:
        drill.ask(GREEDY, "one more")
    assert (refused.value.status, refused.value.code, refused.value.retry_after_s) == (
        429,
        "too_many_requests",
        2,
    )
    mine = threads(drill.ask, MODEST, "mine")
    until(lambda: MODEST in drill.running)
    drill.go.set()
    assert outcomes([mine, *theirs]) == ["document mine", *(f"document theirs {n}" for n in range(ASKED))]


def test_no_more_than_the_seats_run_at_once_whoever_asks(threads: Callable[..., Future[str]]) -> None:
    drill = Drill()
    futures = [threads(drill.ask, f"caller {number}", str(number)) for number in range(20)]
    until(lambda: drill.room.taken == 20 - SEATS)
    assert len(drill.running) == SEATS
    drill.go.set()
    assert outcomes(futures) == [f"document {number}" for number in range(20)]


def test_a_document_that_waits_in_one_callers_line_is_made_in_the_turn_of_another(
    threads: Callable[..., Future[str]],
) -> None:
    drill = Drill()
    theirs = [threads(drill.ask, GREEDY, f"d {number}") for number in range(8)]
    until(lambda: drill.room.taken == 8 - PER_CALLER)
    mine = [threads(drill.ask, MODEST, f"d {number}") for number in range(8)]
    until(lambda: MODEST in drill.running)
    drill.go.set()
    assert outcomes(mine) == outcomes(theirs) == [f"document d {number}" for number in range(8)]


def test_who_waits_too_long_is_sent_away_and_hears_whose_fault_it_is(
    threads: Callable[..., Future[str]],
) -> None:
    drill = Drill(begin_s=0.05)
    theirs = [threads(drill.ask, GREEDY, f"theirs {number}") for number in range(PER_CALLER)]
    until(lambda: len(drill.running) == PER_CALLER)
    with pytest.raises(ShareTaken):
        drill.ask(GREEDY, "one more")
    theirs.append(threads(drill.ask, "another", "theirs too"))
    until(lambda: len(drill.running) == SEATS)
    with pytest.raises(UpstreamUnavailable) as busy:
        drill.ask(MODEST, "mine")
    assert busy.value.retry_after_s
    assert drill.room.taken == 0
    drill.go.set()
    outcomes(theirs)
    assert drill.ask(MODEST, "mine") == "document mine"
    assert not drill.costly._jobs, "nothing is left of those who were sent away"


def test_nobody_waits_where_the_room_is_full(threads: Callable[..., Future[str]]) -> None:
    drill = Drill(seats=1)
    theirs = [threads(drill.ask, f"caller {number}", str(number)) for number in range(SEATS + 1)]
    until(lambda: drill.room.taken == 1 and len(drill.running) == SEATS)
    with pytest.raises(UpstreamUnavailable):
        drill.ask(MODEST, "mine")
    drill.go.set()
    outcomes(theirs)


def test_an_error_is_everybodys_and_another_callers_share_is_nobodys(
    threads: Callable[..., Future[str]],
) -> None:
    drill = Drill()
    broken = [threads(drill.ask, f"caller {n}", "broken", ZeroDivisionError()) for n in range(5)]
    until(lambda: drill.room.taken == 4)
    drill.go.set()
    assert {type(found) for found in outcomes(broken)} == {ZeroDivisionError}
    drill.go.clear()
    first = threads(drill.ask, GREEDY, "d", ShareTaken("of the greedy one"))
    until(lambda: drill.running == [GREEDY])
    second = threads(drill.ask, MODEST, "d")
    until(lambda: drill.room.taken == 1)
    drill.go.set()
    assert isinstance(first.exception(DEADLINE_S), ShareTaken)
    assert second.result(DEADLINE_S) == "document d"


def test_a_seat_that_is_held_is_given_back_once_or_when_nobody_has_it_any_more() -> None:
    drill = Drill(begin_s=0.0)
    held = [drill.costly.hold(GREEDY) for _ in range(PER_CALLER)]
    with pytest.raises(ShareTaken):
        drill.costly.hold(GREEDY)
    held[0].end()
    held[0].end()
    held.append(drill.costly.hold(GREEDY))
    with pytest.raises(ShareTaken):
        drill.costly.hold(GREEDY)
    held.clear()
    gc.collect()
    assert [drill.costly.hold(GREEDY) for _ in range(PER_CALLER)]
