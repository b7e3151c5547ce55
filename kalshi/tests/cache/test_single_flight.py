"""Many callers at once: one fetch, shared errors, bounded waiting, separate threads, graceful end."""

import logging
import threading
import time
from collections import Counter

import pytest

from kalshi import errors
from kalshi.cache.crew import Crew
from kalshi.cache.readthrough import THREADS_PER_POOL
from kalshi.cache.store import LocalStore, open_store
from kalshi.tests.cache.drills import DEADLINE_S, IMPATIENT, Drill, callers, outcomes, until
from kalshi.tests.cache.stores import local_cache


def test_200_callers_of_a_cold_key_cause_one_fetch(drill):
    with callers(200, drill.read) as futures:
        kinds = Counter(outcomes(futures))
    assert drill.upstream.loads == 1
    assert kinds["miss"] == 1
    assert kinds.total() == 200
    assert set(kinds) <= {"miss", "collapsed", "hit"}


def test_callers_who_come_during_the_fetch_wait_for_it(local_drill):
    waiting = threading.Semaphore(0)
    local_drill.upstream.hold()
    with callers(20, lambda: local_drill.read(before_wait=waiting.release)) as futures:
        for _ in range(20):
            assert waiting.acquire(timeout=DEADLINE_S)
        local_drill.upstream.let_go()
        assert Counter(outcomes(futures)) == {"miss": 1, "collapsed": 19}


def test_with_a_copy_only_the_starter_waits(drill):
    drill.warm(age_s=140)
    drill.upstream.hold()
    with callers(1, drill.read) as [starter]:
        drill.upstream.await_load()
        for _ in range(5):
            answer = drill.read(before_wait=_must_not_wait)
            assert (answer.kind, answer.detail) == ("stale", "refreshing")
        assert not starter.done()
        drill.upstream.let_go()
        assert outcomes([starter]) == ["refreshed"]
    assert drill.upstream.loads == 1


def _must_not_wait():
    raise AssertionError("this caller must not wait")


def test_a_forced_caller_joins_the_fetch_under_way(local_drill):
    local_drill.warm(age_s=10)
    local_drill.upstream.hold()
    with callers(1, lambda: local_drill.read(forced=True)) as starter:
        local_drill.upstream.await_load()
        waiting = threading.Semaphore(0)
        with callers(4, lambda: local_drill.read(forced=True, before_wait=waiting.release)) as others:
            for _ in range(4):
                assert waiting.acquire(timeout=DEADLINE_S)
            local_drill.upstream.let_go()
            assert outcomes(starter + others) == ["forced"] * 5
    assert local_drill.upstream.loads == 1


def test_who_looked_just_before_the_fetch_ended_starts_no_second_one():
    class SlowLook(LocalStore):
        """The caller sees the store as it was before somebody else's fetch."""

        looks = 0

        def get(self, key):
            self.looks += 1
            return None if self.looks == 2 else super().get(key)

    drill = Drill(SlowLook(local_cache()))
    drill.store.looks = 10
    drill.warm()
    drill.store.looks = 1
    answer = drill.read()
    assert (answer.kind, answer.entry.body) == ("hit", b'{"n":0}')
    assert drill.upstream.loads == 0
    drill.close()


def test_the_starters_error_is_everybodys(local_drill):
    waiting = threading.Semaphore(0)
    local_drill.upstream.hold()
    local_drill.upstream.error = errors.AuthRejected("key revoked")
    with callers(10, lambda: local_drill.read(before_wait=waiting.release)) as futures:
        for _ in range(10):
            assert waiting.acquire(timeout=DEADLINE_S)
        local_drill.upstream.let_go()
        assert {type(outcome) for outcome in outcomes(futures)} == {errors.AuthRejected}
    assert local_drill.upstream.loads == 1


def test_a_bug_reaches_every_caller_and_is_logged_once(local_drill, caplog):
    local_drill.warm(age_s=140)
    local_drill.upstream.error = ZeroDivisionError("our bug")
    with pytest.raises(ZeroDivisionError):
        local_drill.read()
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert record.exc_info[0] is ZeroDivisionError
    assert local_drill.through.last_error("key") == "internal_error"
    local_drill.upstream.error = None
    assert local_drill.read().kind == "refreshed"


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_whatever_ends_a_fetch_the_key_is_free_again(local_drill, error):
    local_drill.upstream.error = error
    with pytest.raises(RuntimeError, match=type(error).__name__):
        local_drill.read()
    local_drill.upstream.error = None
    assert local_drill.read().kind == "miss"


def test_who_waits_too_long_leaves_and_the_fetch_goes_on(local_drill):
    local_drill.upstream.hold()
    with pytest.raises(errors.UpstreamTimeout):
        local_drill.read(wait_s=0.02)
    local_drill.upstream.let_go()
    until(lambda: local_drill.through.peek("key"))
    assert local_drill.read().kind == "hit"
    assert local_drill.upstream.loads == 1


def test_when_too_many_wait_the_next_is_sent_away_at_once():
    drill = Drill(open_store(local_cache()), max_waiting=8)
    drill.warm(age_s=140, key="known")
    waiting = threading.Semaphore(0)
    drill.upstream.hold()
    with callers(7, lambda: drill.read(before_wait=waiting.release)) as futures:
        for _ in range(7):
            assert waiting.acquire(timeout=DEADLINE_S)
        with pytest.raises(errors.UpstreamUnavailable) as caught:
            drill.read()
        assert caught.value.retry_after_s == 1
        assert drill.read(key="known").detail == "refreshing"
        other = drill.read(key="other", pool="get_events", load=lambda: (200, b"{}"))
        assert other.kind == "miss"  # the last seat is kept for other operations
        drill.upstream.let_go()
        assert Counter(outcomes(futures)) == {"miss": 1, "collapsed": 6}
    assert drill.read(key="third").kind == "miss"  # all seats were given back
    drill.close()


def test_a_seat_is_given_back_when_giving_up_the_database_fails(local_drill):
    drill = Drill(open_store(local_cache()), max_waiting=1)
    drill.upstream.hold()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            drill.read(before_wait=lambda: 1 / 0)
    drill.upstream.let_go()
    drill.close()


@pytest.mark.flaky(reruns=1)  # the machine may stand still for longer than the promise
def test_a_hanging_operation_leaves_the_others_quick(local_drill):
    local_drill.upstream.hold()
    local_drill.warm(age_s=140, key="old")
    with callers(3 * THREADS_PER_POOL, lambda: _read_own_key(local_drill)) as futures:
        for _ in range(THREADS_PER_POOL):
            local_drill.upstream.await_load()
        began = time.monotonic()
        answer = local_drill.read(key="other", pool="get_events", load=lambda: (200, b"{}"))
        assert answer.kind == "miss"
        assert local_drill.read(IMPATIENT, key="old", load=lambda: (200, b"{}")).kind == "stale"
        assert time.monotonic() - began < 2
        assert local_drill.upstream.loads == THREADS_PER_POOL
        assert all("get_balance" in name for name in local_drill.upstream.threads)
        local_drill.upstream.let_go()
        assert Counter(outcomes(futures)) == {"miss": 3 * THREADS_PER_POOL}


def _read_own_key(drill):
    return drill.read(key=f"key of {threading.get_ident()}")


def test_fetches_that_wait_for_a_thread_are_bounded():
    drill = Drill(open_store(local_cache()), max_waiting=20)
    for number in range(30):
        drill.warm(key=f"key {number}")
    drill.now += 140
    drill.upstream.hold()
    answers = [drill.read(IMPATIENT, key=f"key {number}") for number in range(30)]
    assert {answer.kind for answer in answers} == {"stale"}
    assert Counter(answer.detail for answer in answers) == {"refreshing": 20, "upstream_unavailable": 10}
    drill.close()


def test_a_stop_sends_the_waiting_home_with_what_there_is(local_drill):
    local_drill.warm(age_s=140, key="known")
    waiting = threading.Semaphore(0)
    local_drill.upstream.hold()
    with (
        callers(1, lambda: local_drill.read(key="known", before_wait=waiting.release)) as with_copy,
        callers(5, lambda: local_drill.read(before_wait=waiting.release)) as without,
    ):
        for _ in range(6):
            assert waiting.acquire(timeout=DEADLINE_S)
        local_drill.through.close(grace_s=0.05)
        assert outcomes(with_copy) == ["stale"]
        sent_away = outcomes(without)
    assert {type(error) for error in sent_away} == {errors.UpstreamUnavailable}
    assert all(error.retry_after_s for error in sent_away)


def test_a_stop_lets_a_quick_fetch_finish(local_drill):
    local_drill.upstream.hold()
    with callers(3, local_drill.read) as futures:
        local_drill.upstream.await_load()
        closing = threading.Thread(target=local_drill.through.close, args=(DEADLINE_S,))
        closing.start()
        local_drill.upstream.let_go()
        assert set(outcomes(futures)) <= {"miss", "collapsed", "hit"}
        closing.join(DEADLINE_S)
    assert not closing.is_alive()


def test_after_a_stop_cached_answers_are_served_and_nothing_is_fetched(local_drill):
    local_drill.warm()
    local_drill.through.close()
    assert local_drill.read().kind == "hit"
    local_drill.now += 140
    assert local_drill.read().detail == "upstream_unavailable"
    with pytest.raises(errors.UpstreamUnavailable):
        local_drill.read(key="unknown")
    assert local_drill.upstream.loads == 0


def test_a_body_too_large_to_store_is_answered_all_the_same():
    drill = Drill(open_store(local_cache(MAX_BYTES=1000)))
    drill.upstream.body = b"x" * 2000
    answer = drill.read()
    assert (answer.kind, answer.stored, len(answer.entry.body)) == ("miss", False, 2000)
    drill.close()


def test_a_crews_threads_survive_a_failing_job_and_end_when_closed(caplog):
    crew = Crew("", threads=1, max_jobs=4)
    done = threading.Event()
    assert crew.submit("drill", lambda: 1 / 0) == "taken"
    assert crew.submit("drill", done.set) == "taken"
    assert done.wait(DEADLINE_S)
    assert "drill" in caplog.text
    crew.close()
    assert crew.submit("drill", done.clear) == "full"
    until(lambda: not any(t.name.startswith("kalshi-drill") for t in threading.enumerate()))
