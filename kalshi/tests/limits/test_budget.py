import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kalshi.errors import RateLimited
from kalshi.limits.budget import Budget
from kalshi.limits.shared_budget import SharedBudget
from kalshi.redis_link import link_to
from kalshi.tests.cache.stores import redis_cache

BASIC = b'{"usage_tier":"basic","read":{"refill_rate":200,"bucket_capacity":600},"write":{},"grants":[]}'


class Timeline:
    """A clock that only sleeping moves, and the moments at which requests left."""

    def __init__(self, link, *, share=1.0, process_share=1.0, max_per_minute=None):
        self.now = 900.0
        self.slept_s = 0.0
        clocks = {"clock": lambda: self.now, "sleep": self._slept}
        local = Budget(share=share, process_share=process_share, max_per_minute=max_per_minute, **clocks)
        if link is None:
            self.budget = local
        else:
            limits = {"share": share * process_share, "max_per_minute": max_per_minute}
            scopes = (f"test:{id(self)}", f"test:{id(self)}:public")
            self.budget = SharedBudget(link, *scopes, local, monotonic=lambda: self.now, **limits, **clocks)
            for charged in (True, False):
                self.budget.limited(charged=charged)  # the buckets exist, and are full again at 1000
        self.now = 1000.0

    def _slept(self, seconds):
        self._sleep(seconds)

    def _sleep(self, seconds):
        self.now += seconds
        self.slept_s += seconds

    def ask(self, cost=10.0, *, charged=True, background=False, max_wait_s=1000.0):
        """The moment at which the request left."""
        self.budget.acquire(cost, charged=charged, background=background, max_wait_s=max_wait_s)
        return self.now

    def spend_all(self):
        with pytest.raises(RateLimited) as caught:
            while True:
                self.ask(max_wait_s=0)
        return caught.value


def test_a_full_bucket_is_spent_at_once_and_then_at_the_refill_rate(link):
    line = Timeline(link)
    moments = [line.ask() for _ in range(40)]
    assert moments[:20] == [1000.0] * 20
    assert moments[-1] == pytest.approx(1001.0)


def test_the_share_and_the_processs_part_of_it_are_kept(link):
    line = Timeline(link, share=0.9, process_share=0.5)
    line.ask(0)
    line.budget.learn_limits(BASIC)
    assert line.budget.snapshot() == {"tier": "basic", "level": 90.0, "capacity": 270.0, "refill_per_s": 90.0}
    line.now += 100
    for _ in range(100):
        line.ask()
    assert line.now - 1100 == pytest.approx((1000 - 270) / 90)


def test_who_would_wait_too_long_is_refused_and_told_how_long(link):
    line = Timeline(link)
    refused = line.spend_all()
    assert refused.retry_after_s == pytest.approx(0.05)
    assert line.now == 1000.0
    line.ask(max_wait_s=0.06)
    with pytest.raises(RateLimited) as caught:
        line.ask(400, max_wait_s=0.9)
    assert caught.value.retry_after_s == pytest.approx(1.0)


def test_a_refused_request_costs_nothing(link):
    line = Timeline(link)
    line.spend_all()
    before = line.budget.snapshot()["level"]
    for _ in range(50):
        with pytest.raises(RateLimited):
            line.ask(max_wait_s=0)
    assert line.budget.snapshot()["level"] == before


def test_a_cost_above_the_capacity_does_not_block_for_ever(link):
    line = Timeline(link, share=0.01)
    line.ask(50)
    line.ask(50)
    assert 1000 < line.now < 1060


def test_costs_are_learned_and_tell_by_route(link):
    line = Timeline(link)
    assert line.budget.cost("/portfolio/orders/{order_id}", 10) == 10
    row = {"method": "GET", "path": "/trade-api/v2/portfolio/orders/:order_id", "cost": 2}
    line.budget.learn_costs(json.dumps({"default_cost": 10, "endpoint_costs": [row]}).encode())
    assert line.budget.cost("/portfolio/orders/{order_id}", 10) == 2


def test_odd_documents_change_nothing_and_are_logged(link, caplog):
    line = Timeline(link)
    line.budget.learn_limits(BASIC)
    before = line.budget.snapshot()
    line.budget.learn_limits(b"<html>busy</html>")
    line.budget.learn_costs(b"null")
    assert line.budget.snapshot() == before
    assert "/account/limits: cannot read usage_tier" in caplog.text
    assert "/account/endpoint_costs: cannot read default_cost" in caplog.text


def test_background_work_gets_half_and_leaves_the_rest_to_persons(link):
    line = Timeline(link)
    line.budget.learn_limits(BASIC)
    line.now += 100
    with pytest.raises(RateLimited):
        while True:
            line.ask(background=True, max_wait_s=0)
    assert line.budget.snapshot()["level"] == 300.0
    for _ in range(30):
        line.ask(max_wait_s=0)
    line.now += 100
    began = line.now
    for _ in range(130):
        line.ask(background=True)
    assert line.now - began == pytest.approx((1300 - 300) / 100)


def test_background_work_never_makes_a_person_wait(link):
    line = Timeline(link)
    line.spend_all()
    with pytest.raises(RateLimited):
        line.ask(100, background=True, max_wait_s=0.1)
    line.ask(max_wait_s=0.06)  # as if nobody else had asked


def test_a_waiting_background_job_lets_persons_pass(link):
    """It reserves nothing: while it sleeps, a person's request leaves as early as it would without it."""
    line = Timeline(link)
    line.spend_all()
    left = []

    def person_comes_while_it_sleeps(seconds):
        line.now += seconds
        if len(left) < 3:
            left.append(line.now)
            line.budget.acquire(10, charged=True, background=False, max_wait_s=0)

    line._sleep = person_comes_while_it_sleeps
    line.ask(background=True)
    assert len(left) == 3
    assert left[-1] == pytest.approx(1000.15)
    assert line.now == pytest.approx(1000.20)


def test_unsigned_requests_have_three_a_second_of_their_own(link):
    line = Timeline(link)
    moments = [line.ask(charged=False) for _ in range(9)]
    assert moments[2] == 1000.0
    assert moments[8] == pytest.approx(1002.0)
    assert line.budget.snapshot()["level"] == 200.0


def test_the_cap_per_minute_counts_every_request(link):
    line = Timeline(link, max_per_minute=10)
    for number in range(10):
        line.ask(charged=number % 2 == 0, max_wait_s=2)
    with pytest.raises(RateLimited) as caught:
        line.ask(max_wait_s=30)
    assert 55 < caught.value.retry_after_s <= 60
    line.ask()
    assert line.now == pytest.approx(1060.0)


def test_background_work_gets_half_of_the_cap_per_minute(link):
    line = Timeline(link, max_per_minute=10)
    for _ in range(5):
        line.ask(background=True, max_wait_s=0)
    with pytest.raises(RateLimited):
        line.ask(background=True, max_wait_s=10)
    for _ in range(5):
        line.ask(max_wait_s=0)


def test_a_429_empties_the_bucket_and_halves_the_rate_for_a_minute(link, caplog):
    line = Timeline(link)
    line.budget.limited(charged=True)
    assert line.budget.snapshot() == {"tier": None, "level": 0.0, "capacity": 200.0, "refill_per_s": 100.0}
    line.ask()
    assert line.now == pytest.approx(1000.1)
    line.now = 1030.0
    assert line.budget.snapshot()["refill_per_s"] == 150.0
    line.now = 1060.0
    assert line.budget.snapshot()["refill_per_s"] == 200.0
    assert "429" in caplog.text


def test_a_429_to_an_unsigned_request_leaves_the_account_alone(link):
    line = Timeline(link)
    line.budget.limited(charged=False)
    assert line.budget.snapshot()["level"] == 200.0
    assert line.ask(charged=False) == pytest.approx(1000 + 1 / 1.5)


def test_high_use_is_one_warning_per_episode(link, caplog):
    line = Timeline(link)
    caplog.clear()

    def warnings():
        return [r for r in caplog.records if "80 %" in r.getMessage() and r.levelno == logging.WARNING]

    line.budget.learn_limits(BASIC)
    for _ in range(20):  # a burst is no high use
        line.ask()
    assert warnings() == []
    for _ in range(2):
        for _ in range(600):
            line.ask()
        for _ in range(30):  # at half of the rate the episode ends
            line.now += 1
            for _ in range(8):
                line.ask()
    assert len(warnings()) == 2


def test_learning_a_larger_budget_is_no_high_use(link, caplog):
    line = Timeline(link, share=0.9)
    caplog.clear()
    line.ask()
    line.budget.learn_limits(BASIC.replace(b"600", b"6000"))
    line.ask()
    assert "80 %" not in caplog.text


def test_threads_together_take_no_more_than_there_is():
    budget = Budget(share=1.0, clock=lambda: 1000.0)
    start = threading.Barrier(8)

    def work():
        start.wait()
        taken = 0
        for _ in range(20):
            try:
                budget.acquire(10, charged=True, background=False, max_wait_s=0)
                taken += 1
            except RateLimited:
                pass
        return taken

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work) for _ in range(8)]
    assert sum(future.result() for future in futures) == 20


class TestProcesses:
    """Two processes on one Redis, whose clock the test turns."""

    @pytest.fixture
    def cache(self, own_redis):
        with redis_cache(own_redis.url) as cache:
            yield cache

    @pytest.fixture
    def line(self, cache):
        return Timeline(link_to(cache))

    @pytest.fixture
    def other(self, cache, line):
        """A process that comes to the same buckets later."""
        made = Timeline(link_to(cache))
        made.budget._lanes = line.budget._lanes
        made.now = line.now
        return made

    def test_a_429_to_one_slows_down_all(self, line, other):
        line.budget.limited(charged=True)
        assert other.budget.snapshot()["refill_per_s"] == 100
        assert other.budget.snapshot()["level"] == 0

    def test_high_use_of_all_together_is_one_warning(self, line, other, caplog):
        caplog.clear()
        for _ in range(30):
            for process in (line, other):
                for _ in range(9):
                    process.ask(max_wait_s=5)
            line.now = other.now = max(line.now, other.now)
        assert caplog.text.count("80 %") == 1

    def test_a_redis_that_knows_nothing_starts_with_little(self, cache, line):
        cache.client.get_client().flushall()
        line.spend_all()
        assert line.budget.snapshot()["level"] < 10
        assert len(cache.client.get_client().keys("*budget*")) == 1
        line.now += 0.5
        assert line.budget.snapshot()["level"] >= 100

    def test_a_lost_redis_leaves_each_process_its_part_from_empty_buckets(self, own_redis, cache, caplog):
        line = Timeline(link_to(cache), share=0.9, process_share=1.0)
        line.budget._local = Budget(share=0.9, process_share=0.25, clock=lambda: line.now, sleep=line._slept)
        line.ask()
        own_redis.stop()
        began = line.now
        for _ in range(45):
            line.ask()
        assert line.now - began == pytest.approx(450 / (200 * 0.9 * 0.25))
        assert line.budget.snapshot()["capacity"] == 45
        line.budget.limited(charged=True)
        assert line.budget.snapshot()["refill_per_s"] == pytest.approx(22.5)
        assert caplog.text.count("Redis is lost") == 1

    def test_the_cap_per_minute_goes_on_when_redis_is_lost(self, own_redis, cache):
        line = Timeline(link_to(cache), max_per_minute=10)
        for _ in range(10):
            line.ask()
        own_redis.stop()
        with pytest.raises(RateLimited) as caught:
            line.ask(max_wait_s=30)
        assert caught.value.retry_after_s > 50

    def test_a_clock_set_back_stops_nothing(self, cache):
        line = Timeline(link_to(cache), max_per_minute=40)
        line.budget.limited(charged=True)
        for _ in range(40):
            line.ask()
        line.now -= 3600
        line.ask(max_wait_s=0.2)
        line.now += 1
        assert line.budget.snapshot()["level"] >= 180


@pytest.mark.parametrize("cost", ["1e308", "1000000", "1e999", "1000"])
def test_a_cost_that_is_a_mistake_of_kalshis_leaves_no_debt_behind(link, cost):
    line = Timeline(link)
    route = '{"method":"GET","path":"/trade-api/v2/x","cost":COST}'.replace("COST", cost)
    line.budget.learn_costs(f'{{"default_cost":{cost},"endpoint_costs":[{route}]}}'.encode())
    for path in ("/x", "/y"):
        line.ask(line.budget.cost(path, 10.0))
    line.budget.learn_costs(b'{"default_cost":10,"endpoint_costs":[]}')
    assert line.ask(line.budget.cost("/x", 10.0), max_wait_s=0) == 1000
