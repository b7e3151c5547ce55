"""One budget for several processes, by Redis's clock, with the lowest tier's numbers: 200 tokens, 200 a second."""

import time
from itertools import combinations_with_replacement
from uuid import uuid4

import pytest
from redis import Redis

from kalshi.redis_link import PREFIX
from kalshi.tests.processes import Helper, helpers

SPENDER = "kalshi.tests.limits.spender"
CAPACITY = REFILL = 200
COST = 10
MANY = 1_000_000


def together(spenders: list[Helper], **command) -> list[dict]:
    for spender in spenders:
        spender.tell(**command)
    return [spender.answer() for spender in spenders]


def due_times(url: str, scope: str) -> list[float]:
    """When each request fell due, as Redis noted it for the cap per minute."""
    return sorted(
        due for _, due in Redis.from_url(url).zrange(f":1:{PREFIX}:minute:{scope}", 0, -1, withscores=True)
    )


def worst_overshoot(due: list[float]) -> float:
    """Tokens above capacity and refill, in the worst window."""
    return max(
        (last - first + 1) * COST - CAPACITY - REFILL * (due[last] - due[first])
        for first, last in combinations_with_replacement(range(len(due)), 2)
    )


def test_four_processes_at_ten_times_the_demand_use_all_of_it_and_no_more(redis_url):
    scope = f"test:{uuid4()}"
    with helpers(4, SPENDER, redis_url, scope, str(MANY), "0.25") as spenders:
        answers = together(spenders, threads=8, for_s=4, max_wait_s=2)
    due = due_times(redis_url, scope)
    assert worst_overshoot(due) <= 0.01
    assert len(due) * COST >= 0.9 * REFILL * (due[-1] - due[0])
    left = sorted(moment for answer in answers for moment, _ in answer["left"])
    assert len(left) == len(due)
    # Really leaving is later than due by what a busy machine takes to wake a thread.
    assert worst_overshoot(left) <= REFILL * 0.25
    assert {name for answer in answers for name in answer["errors"]} <= {"RateLimited"}


def test_background_work_never_makes_a_person_wait(redis_url):
    scope = f"test:{uuid4()}"
    with helpers(4, SPENDER, redis_url, scope, str(MANY), "0.25") as spenders:
        persons, others = spenders[:2], spenders[2:]
        for spender in others:
            spender.tell(threads=6, for_s=4, background=True, max_wait_s=30)
        # Two processes with two persons each, who want a quarter of what there is.
        answers = together(persons, threads=2, for_s=3.5, pause_s=0.8, max_wait_s=5)
        busy = [spender.answer() for spender in others]
    assert all(answer["errors"] == [] for answer in answers)
    waits = [waited for answer in answers for _, waited in answer["left"]]
    assert len(waits) >= 16
    assert max(waits) < 0.5
    background = sorted(moment for answer in busy for moment, _ in answer["left"])
    assert len(background) * COST >= 0.8 * REFILL / 2 * (background[-1] - background[0])
    assert len(background) * COST <= (CAPACITY + REFILL * (background[-1] - background[0])) / 2 + COST


def test_the_cap_per_minute_is_exact_over_all_processes(redis_url):
    scope = f"test:{uuid4()}"
    with helpers(4, SPENDER, redis_url, scope, "30", "0.25") as spenders:
        answers = together(spenders, threads=4, for_s=2, max_wait_s=1)
    assert sum(len(answer["left"]) for answer in answers) == 30


def test_a_redis_killed_under_load_leaves_each_process_its_part(own_redis):
    scope = f"test:{uuid4()}"
    with helpers(2, SPENDER, own_redis.url, scope, str(MANY), "0.5") as spenders:
        for spender in spenders:
            spender.tell(threads=4, for_s=5, max_wait_s=2)
        time.sleep(1)
        own_redis.stop()
        time.sleep(2)
        own_redis.start()
        answers = [spender.answer() for spender in spenders]
    assert {name for answer in answers for name in answer["errors"]} <= {"RateLimited"}
    alone = [waited for answer in answers for moment, waited in answer["left"] if moment is None]
    assert COST * len(alone) >= 0.5 * REFILL
    everything = sum(len(answer["left"]) for answer in answers)
    assert everything * COST <= CAPACITY + REFILL * 7.5
    assert due_times(own_redis.url, scope)  # shared again


@pytest.mark.parametrize("kind", ["budget", "minute"])
def test_what_stands_in_redis_expires(redis_url, kind):
    scope = f"test:{uuid4()}"
    with helpers(1, SPENDER, redis_url, scope, "100", "1") as [spender]:
        spender.ask(threads=1, for_s=0.1)
    redis = Redis.from_url(redis_url)
    assert 0 < redis.ttl(f":1:{PREFIX}:{kind}:{scope}") <= 86_400
    assert sorted(redis.keys(f"*{scope}*")) == sorted(
        f":1:{PREFIX}:{name}:{scope}".encode() for name in ("budget", "minute")
    )
