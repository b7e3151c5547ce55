from dataclasses import dataclass
from threading import Thread

import pytest

from kalshi import errors
from kalshi.limits.breaker import FAILURES, OPEN_S, OPERATION_REFUSAL, Breaker
from kalshi.limits.breakers import Breakers
from kalshi.limits.budget import Budget
from kalshi.limits.gate import LimitGate
from kalshi.upstream.client import Gate


@dataclass(frozen=True)
class Operation:
    path: str = "/portfolio/balance"
    signed: bool = True
    cost: int = 10
    operation: str = "get_balance"


BALANCE = Operation()
MARKET = Operation("/markets/{ticker}", signed=False, operation="get_market")


class Way:
    """A gate with a clock to turn."""

    def __init__(self):
        self.now = 1000.0
        self.budget = Budget(share=1.0, clock=lambda: self.now, sleep=self._sleep)
        self.breakers = self.account(Breaker(clock=lambda: self.now))
        self.breaker = self.breakers.host
        self.heard: list[object] = []
        self.gate: Gate = LimitGate(
            self.budget,
            self.breakers,
            on_upstream=lambda *found: self.heard.append(found),
            on_limited=lambda: self.heard.append("limited"),
        )

    def account(self, host):
        return Breakers(host, lambda operation: Breaker(clock=lambda: self.now, refusal=OPERATION_REFUSAL))

    def _sleep(self, seconds):
        self.now += seconds

    def admit(self, endpoint=BALANCE, *, charged=True, max_wait_s=0.0):
        self.gate.admit(endpoint, charged=charged, background=False, max_wait_s=max_wait_s)

    def attempt(self, error=None, endpoint=BALANCE, *, charged=True):
        self.admit(endpoint, charged=charged)
        self.gate.report(endpoint, error, 0.1)

    def spend_all(self):
        self.budget.acquire(200, charged=True, background=False, max_wait_s=0)


@pytest.fixture
def way():
    return Way()


def test_every_attempt_is_charged_its_cost(way):
    way.attempt()
    assert way.budget.snapshot()["level"] == 190
    way.attempt(endpoint=MARKET, charged=False)
    assert way.budget.snapshot()["level"] == 190
    way.attempt(endpoint=MARKET, charged=True)
    assert way.budget.snapshot()["level"] == 180


def test_a_broken_host_costs_no_tokens(way):
    for _ in range(FAILURES):
        way.attempt(errors.UpstreamTimeout("x"))
    before = way.budget.snapshot()["level"]
    with pytest.raises(errors.BreakerOpen):
        way.attempt()
    assert way.budget.snapshot()["level"] == before


def test_a_probe_that_the_budget_refuses_is_not_lost(way):
    for _ in range(FAILURES):
        way.attempt(errors.UpstreamTimeout("x"))
    way.now += OPEN_S
    way.spend_all()
    with pytest.raises(errors.RateLimited):
        way.attempt()
    way.now += 1
    way.attempt()
    assert way.breaker.snapshot() == "closed"


def test_a_probe_is_known_again_when_it_reports(way):
    for _ in range(FAILURES):
        way.attempt(errors.UpstreamTimeout("x"))
    way.now += OPEN_S
    way.admit()
    other = Thread(target=way.gate.report, args=(BALANCE, errors.UpstreamTimeout("left earlier"), 12.0))
    other.start()
    other.join()
    assert way.breaker.snapshot() == "half_open"
    way.gate.report(BALANCE, errors.UpstreamTimeout("x"), 15.0)
    assert way.breaker.snapshot() == "open"


LARGE = errors.UnexpectedPayload("larger than 32 MiB")


@pytest.mark.parametrize(
    "error",
    [
        LARGE,
        errors.UnexpectedPayload("no data", upstream_status=204),
        errors.FunctionFailed("a bug"),
        errors.NotTheExchange("a page", upstream_status=403),
        errors.LimitedOnTheWay("a page", upstream_status=429),
        errors.UpstreamUnavailable("x", upstream_status=500),
    ],
)
def test_an_operation_that_always_fails_is_left_alone_and_all_others_are_served(way, error):
    for _ in range(FAILURES):
        way.attempt(error, BALANCE)
        way.now += 1  # a 429 slows the account down
    with pytest.raises(errors.BreakerOpen, match="in a row at this"):
        way.attempt(endpoint=BALANCE)
    way.attempt(endpoint=MARKET)
    assert way.breakers.left_alone() == ["get_balance"]
    assert way.breaker.snapshot() == "closed"


def test_an_operation_of_one_account_says_nothing_of_another_accounts(way):
    other = way.account(way.breaker)
    for _ in range(FAILURES):
        way.attempt(LARGE, BALANCE)
    assert way.breakers.of("get_balance").is_open()
    assert not other.of("get_balance").is_open()


def test_a_host_that_is_away_is_left_alone_by_all_operations_of_all_accounts(way):
    other = way.account(way.breaker)
    for endpoint in (BALANCE, MARKET, BALANCE, MARKET, MARKET):
        way.attempt(errors.UpstreamTimeout("x"), endpoint)
    assert other.of("get_orders").is_open() and way.breakers.of("get_balance").is_open()
    assert way.breakers.left_alone() == []
    with pytest.raises(errors.BreakerOpen, match="in a row and"):
        other.of("get_orders").admit()


def test_a_probe_of_an_operation_is_not_lost_behind_the_hosts_breaker(way):
    for _ in range(FAILURES):
        way.attempt(LARGE, BALANCE)
    way.now += OPEN_S - 1
    for endpoint in [MARKET] * FAILURES:
        way.attempt(errors.UpstreamTimeout("x"), endpoint)
    way.now += 1
    with pytest.raises(errors.BreakerOpen):
        way.attempt(endpoint=BALANCE)
    way.now += OPEN_S
    way.attempt(endpoint=BALANCE)
    assert not way.breakers.of("get_balance").is_open()


def test_a_429_slows_down_what_was_charged(way):
    way.attempt(errors.RateLimited("429"), MARKET, charged=False)
    assert way.budget.snapshot()["refill_per_s"] == 200
    way.attempt(errors.RateLimited("429"), MARKET, charged=True)
    assert way.budget.snapshot()["refill_per_s"] == 100
    assert way.breaker.snapshot() == "closed"


def test_our_own_refusal_is_no_429(way):
    way.spend_all()
    with pytest.raises(errors.RateLimited):
        way.attempt()
    assert way.budget.snapshot()["refill_per_s"] == 200


def test_every_attempt_is_reported_and_refusals_of_our_own_are_not(way):
    way.attempt()
    way.attempt(errors.RateLimited("429"))
    with pytest.raises(errors.RateLimited):
        way.attempt()
    assert way.heard == [
        ("get_balance", "ok", 0.1),
        "limited",
        ("get_balance", "upstream_rate_limited", 0.1),
    ]


def test_an_answer_of_another_shape_is_told_as_drift_and_is_no_failure(way):
    for _ in range(FAILURES + 1):
        way.admit()
        way.gate.report(BALANCE, None, 0.1, drifted=True)
    assert way.heard == [("get_balance", "drift", 0.1)] * (FAILURES + 1)
    assert way.breakers.left_alone() == []
