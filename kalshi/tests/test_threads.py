"""The threads that Django's requests run in."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from kalshi.server.threads import DaemonThreads
from kalshi.tests.servers import ROOT, wait_until


def nothing() -> None:
    pass


def test_a_result_and_an_exception_reach_who_waits() -> None:
    pool = DaemonThreads(2, at_end=nothing)
    assert pool.submit(divmod, 7, 3).result(5) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 7, 0).result(5)


def test_jobs_beyond_the_threads_wait_for_one() -> None:
    pool, gate = DaemonThreads(3, at_end=nothing), threading.Event()
    blocked = [pool.submit(gate.wait, 10) for _ in range(3)]
    last = pool.submit(threading.get_ident)
    assert pool.threads == 3
    assert not last.done()
    gate.set()
    assert all(job.result(5) for job in blocked)
    assert last.result(5)


def test_an_idle_thread_takes_the_next_job() -> None:
    pool = DaemonThreads(5, at_end=nothing)
    for _ in range(20):
        pool.submit(nothing).result(5)
    assert pool.threads <= 2  # one may be on its way back from its job while the next one is given out


def test_idle_threads_end_and_say_so_and_new_ones_come() -> None:
    ended: list[int] = []
    pool = DaemonThreads(4, at_end=lambda: ended.append(threading.get_ident()), idle_s=0.05)
    gate = threading.Event()
    jobs = [pool.submit(gate.wait, 10) for _ in range(4)]
    gate.set()
    assert all(job.result(5) for job in jobs)
    wait_until(lambda: pool.threads == 0, 20, "the end of the threads")
    wait_until(lambda: len(set(ended)) == 4, 20, "their last words")
    assert pool.submit(divmod, 7, 3).result(5) == (2, 1)


def test_no_job_is_lost_while_threads_come_and_go() -> None:
    pool = DaemonThreads(4, at_end=nothing, idle_s=0.0005)
    jobs = []
    for number in range(400):
        jobs.append(pool.submit(abs, -number))
        time.sleep(0.0004)  # about as long as a thread stays idle
    assert [job.result(5) for job in jobs] == list(range(400))


HANGING = """
import threading
from kalshi.server.threads import DaemonThreads
begun = threading.Event()
def hang():
    begun.set()
    threading.Event().wait()
DaemonThreads(1, at_end=int).submit(hang)
begun.wait()
"""


def test_a_job_that_hangs_does_not_keep_the_process_alive() -> None:
    subprocess.run([sys.executable, "-c", HANGING], cwd=ROOT, timeout=20, check=True)
