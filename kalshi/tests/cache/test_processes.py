"""What one Redis makes true for several processes. Real ones, since threads of one process would prove nothing."""

import time
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest
from redis import Redis

from kalshi.cache.leases import LEASE_S
from kalshi.tests.processes import Helper, helpers
from kalshi.tests.servers import wait_until

READER = "kalshi.tests.cache.reader"
PROCESSES = 4


class Readers:
    """Four readers on one Redis, and the list of loads."""

    def __init__(self, url: str, made: list[Helper], prefix: str) -> None:
        self.redis = Redis.from_url(url)
        self.all = made
        self.prefix = prefix
        self.key = "unset"

    def loads(self) -> int:
        return self.redis.llen(f"{self.prefix}-loads-{self.key}")

    def ask_all(self, **command) -> list[list]:
        for reader in self.all:
            reader.tell(key=self.key, **command)
        return [row for reader in self.all for row in reader.answer()]


@pytest.fixture(scope="module")
def running(redis_url: str) -> Iterator[Readers]:
    prefix = f"test-{uuid4()}"
    with helpers(PROCESSES, READER, redis_url, prefix) as made:
        yield Readers(redis_url, made, prefix)


@pytest.fixture
def readers(running: Readers) -> Readers:
    running.key = f"kalshi:1:{uuid4()}"
    return running


def test_callers_of_all_processes_share_one_fetch(readers):
    rows = readers.ask_all(threads=12, latency_s=0.5)
    assert readers.loads() == 1
    kinds = Counter(row[0] for row in rows)
    assert kinds["miss"] == 1
    assert kinds.total() == 12 * PROCESSES
    assert set(kinds) <= {"miss", "collapsed", "hit"}
    assert len({row[1] for row in rows}) == 1


@pytest.mark.parametrize("error", ["UpstreamUnavailable", "AuthRejected"])
def test_callers_of_all_processes_share_one_failure(readers, error):
    rows = readers.ask_all(threads=8, latency_s=0.5, error=error)
    assert readers.loads() == 1
    assert {tuple(row[:3]) for row in rows} == {(error, "told", 7)}


def test_a_bug_in_one_process_is_told_without_its_words(readers):
    rows = readers.ask_all(threads=2, latency_s=0.5, error="ZeroDivisionError")
    assert readers.loads() == 1
    assert {row[0] for row in rows} == {"ZeroDivisionError", "KalshiError"}


def test_who_asks_after_a_failure_starts_a_new_fetch(readers):
    one, other, *_ = readers.all
    assert one.ask(key=readers.key, error="UpstreamUnavailable")[0][0] == "UpstreamUnavailable"
    assert other.ask(key=readers.key)[0][0] == "miss"


def test_while_one_process_refreshes_all_others_have_the_old_copy_at_once(readers):
    starter, *others = readers.all
    body = starter.ask(key=readers.key)[0][1]
    for reader in others:
        assert reader.ask(key=readers.key)[0][:2] == ["hit", body]
    time.sleep(0.02)  # past the fresh time given below
    starter.tell(key=readers.key, fresh_s=0.01, latency_s=2, patience_s=10)
    wait_until(lambda: readers.loads() == 2)
    for reader in others:
        for row in reader.ask(key=readers.key, fresh_s=0.01, patience_s=10, threads=5):
            assert row[:3] == ["stale", body, "refreshing"]
            assert row[3] < 1
    assert starter.answer()[0][0] == "refreshed"
    assert readers.loads() == 2


def test_what_one_process_fetched_is_everywhere_within_a_second(readers):
    one, *others = readers.all
    old = readers.ask_all()[0][1]
    time.sleep(0.02)
    kind, new, *_ = one.ask(key=readers.key, fresh_s=0.01)[0]
    assert (kind, new == old) == ("refreshed", False)
    began = time.monotonic()
    for reader in others:
        wait_until(lambda reader=reader: reader.ask(key=readers.key)[0][:2] == ["hit", new], 3)
    assert time.monotonic() - began < 1.5


def test_one_fetch_in_two_seconds_may_be_forced_by_all_processes_together(readers):
    readers.all[0].ask(key=readers.key)
    time.sleep(2.1)  # the first fetch counts as well
    kinds = Counter(row[0] for row in readers.ask_all(forced=True, threads=4, latency_s=0.2))
    assert readers.loads() == 2
    assert kinds["forced"] >= 1
    assert set(kinds) <= {"forced", "hit"}
    assert {row[0] for row in readers.ask_all(forced=True)} == {"hit"}
    assert readers.loads() == 2


def test_a_killed_leader_delays_the_others_for_its_lease_only(readers, redis_url):
    with helpers(1, READER, redis_url, readers.prefix) as [leader]:
        leader.tell(key=readers.key, latency_s=60)
        wait_until(lambda: readers.loads() == 1)
        for reader in readers.all:
            reader.tell(key=readers.key, threads=3)
        leader.popen.kill()
        rows = [row for reader in readers.all for row in reader.answer()]
    assert readers.loads() == 2
    assert {row[0] for row in rows} <= {"miss", "collapsed", "hit"}
    assert max(row[3] for row in rows) < LEASE_S + 1.5


def test_a_slow_leader_keeps_its_lease(readers):
    rows = readers.ask_all(latency_s=LEASE_S + 1)
    assert readers.loads() == 1
    assert len({row[1] for row in rows}) == 1


def test_nothing_stays_in_redis_for_ever(readers):
    readers.ask_all(error="UpstreamUnavailable", threads=2)
    readers.ask_all(threads=2)
    names = list(readers.redis.scan_iter(f"{readers.prefix}:*"))
    assert any(b":tried:" in name for name in names)
    assert {name for name in names if readers.redis.pttl(name) < 0} == set()


def test_a_redis_killed_under_load_costs_nobody_an_answer(own_redis):
    prefix = f"test-{uuid4()}"
    with helpers(2, READER, own_redis.url, prefix) as readers:
        for reader in readers:
            reader.tell(key="kalshi:1:under load", threads=4, for_s=5, fresh_s=0.1, latency_s=0.02)
        time.sleep(1)
        own_redis.stop()
        time.sleep(1.5)
        own_redis.start()
        rows = [row for reader in readers for row in reader.answer()]
        kinds = Counter(row[0] for row in rows)
        assert set(kinds) <= {"hit", "miss", "collapsed", "refreshed", "stale"}, kinds
        assert {row[2] for row in rows} <= {None, "refreshing"}
        assert max(row[3] for row in rows) < 2
        shared = Redis.from_url(own_redis.url)
        wait_until(lambda: shared.keys("*under load"), 3, "the return")
        for reader in readers:
            reader.tell(key="kalshi:1:afterwards", threads=4, latency_s=0.3)
        after = [row for reader in readers for row in reader.answer()]
        assert len({row[1] for row in after}) == 1
