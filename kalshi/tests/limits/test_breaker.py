import pytest

from kalshi import errors
from kalshi.limits.breaker import FAILURES, OPEN_S, PROBE_LEASE_S, Breaker, of_host, of_operation
from kalshi.limits.shared_breaker import LEASE_S, SharedBreaker
from kalshi.redis_link import PREFIX, link_to
from kalshi.tests.cache.stores import redis_cache

DOWN = errors.UpstreamUnavailable("down")


class Host:
    """A breaker with a clock to turn."""

    def __init__(self, link, scope):
        self.now = 1000.0
        self.breaker = self.process(link, scope)

    def process(self, link, scope):
        local = Breaker(clock=lambda: self.now)
        return SharedBreaker(link, scope, local, clock=lambda: self.now) if link else local

    def request(self, error=None, operation="get_balance", caller=""):
        self.hear(error, operation, probe=self.breaker.admit(caller), caller=caller)

    def hear(self, error=None, operation="get_balance", *, probe=False, caller=""):
        self.breaker.report(of_host(error), operation, probe=probe, caller=caller)

    def break_it(self):
        for _ in range(FAILURES):
            self.request(DOWN)


@pytest.fixture
def host(link, scope):
    made = Host(link, scope)
    yield made
    if link:
        made.breaker.close()


@pytest.fixture
def broken(host):
    host.break_it()
    return host


def test_it_opens_after_five_failures_in_a_row(host):
    for _ in range(FAILURES - 1):
        host.request(DOWN)
    assert host.breaker.snapshot() == "closed"
    host.request()
    host.break_it()
    assert host.breaker.snapshot() == "open"
    host.now += 3
    with pytest.raises(errors.BreakerOpen) as caught:
        host.request()
    assert caught.value.retry_after_s == pytest.approx(OPEN_S - 3)


def refused(host, caller):
    with pytest.raises(errors.BreakerOpen) as caught:
        host.breaker.admit(caller)
    return caught.value.retry_after_s


def test_whoever_did_not_fail_may_try_and_a_success_closes_it(host):
    for _ in range(FAILURES):
        host.request(DOWN, caller="ann")
    assert refused(host, "ann") == pytest.approx(OPEN_S)
    assert host.breaker.admit("bob") is True
    assert refused(host, "cem") == 1  # one at a time
    host.hear(probe=True, caller="bob")
    assert host.breaker.snapshot() == "closed"
    host.request(caller="ann")


def test_whoever_tried_and_failed_waits_with_the_others(host):
    for _ in range(FAILURES):
        host.request(DOWN, caller="ann")
    host.now += 4
    host.request(DOWN, caller="bob")
    assert refused(host, "ann") == refused(host, "bob") == pytest.approx(OPEN_S)
    host.request(DOWN, caller="cem")
    assert refused(host, "dan") == pytest.approx(OPEN_S)  # three callers are no matter of one


MEANINGS = [
    # what came, what it says of its operation, and of the host
    (None, "works", "works"),
    (errors.NotFound("x", upstream_status=404), "works", "works"),
    (errors.UpstreamRefused("x", upstream_status=400), "works", "works"),
    (errors.AuthRejected("x", upstream_status=401), "works", "works"),
    (errors.RateLimited("x", upstream_status=429), "works", "works"),
    (errors.UpstreamUnavailable("no connection"), "fails", "fails"),
    (errors.UpstreamTimeout("late"), "fails", "fails"),
    (errors.UpstreamUnavailable("x", upstream_status=503), "fails", "faults"),
    (errors.UnexpectedPayload("x", upstream_status=204), "fails", "answers"),
    (errors.UnexpectedPayload("too large"), "fails", "answers"),
    (errors.NotTheExchange("x", upstream_status=403), "fails", "answers"),
    (errors.LimitedOnTheWay("x", upstream_status=429), "fails", "answers"),
    (errors.FunctionFailed("a bug of theirs"), "fails", "nothing"),
    (errors.BreakerOpen("x"), "nothing", "nothing"),
    (errors.NoCredentials("x"), "nothing", "nothing"),
    (errors.KalshiError("a bug"), "nothing", "nothing"),
]


@pytest.mark.parametrize(("error", "operation", "host"), MEANINGS, ids=repr)
def test_each_outcome_says_its_own_of_operation_and_host(error, operation, host):
    assert (of_operation(error), of_host(error)) == (operation, host)


@pytest.mark.parametrize("error", [found for found, _, host in MEANINGS if host != "fails"], ids=repr)
def test_whatever_one_operation_answers_the_host_is_not_left_alone(host, error):
    for _ in range(4 * FAILURES):
        host.request(error)
    assert host.breaker.snapshot() == "closed"


FAULT = errors.UpstreamUnavailable("x", upstream_status=503)


def test_two_operations_that_fail_leave_the_host_open_to_others(host):
    for _ in range(4 * FAILURES):
        host.request(FAULT, "get_balance")
        host.request(FAULT, "get_orders")
    assert host.breaker.snapshot() == "closed"


def test_three_operations_that_fail_say_that_the_host_does(host):
    for operation in ("get_balance", "get_orders", "get_balance", "get_balance"):
        host.request(FAULT, operation)
    assert host.breaker.snapshot() == "closed"
    host.request(FAULT, "get_events")
    assert host.breaker.snapshot() == "open"


def test_five_different_operations_are_needed_as_often_as_five_failures(host):
    for operation in ("one", "two", "three", "four"):
        host.request(FAULT, operation)
    assert host.breaker.snapshot() == "closed"
    host.request(FAULT, "five")
    assert host.breaker.snapshot() == "open"


@pytest.mark.parametrize("answer", [None, errors.NotFound("x"), errors.RateLimited("x")])
def test_a_success_between_them_starts_anew(host, answer):
    for _ in range(3):
        for operation in ("one", "two", "three", "three"):
            host.request(FAULT, operation)
        host.request(answer, "four")
    assert host.breaker.snapshot() == "closed"


def test_time_outs_and_faults_of_three_count_together(host):
    for error, operation in [(DOWN, "one"), (FAULT, "one"), (FAULT, "two"), (DOWN, "one")]:
        host.request(error, operation)
    assert host.breaker.snapshot() == "closed"
    host.request(FAULT, "three")
    assert host.breaker.snapshot() == "open"


def test_a_probe_that_is_answered_badly_shows_that_the_host_is_there(broken):
    broken.now += OPEN_S
    broken.request(errors.UnexpectedPayload("x"))
    assert broken.breaker.snapshot() == "closed"


def test_after_a_probe_with_a_fault_one_more_of_three_operations_opens_it(host):
    for operation in ("one", "two", "three", "one", "one"):
        host.request(FAULT, operation)
    host.now += OPEN_S
    host.request(FAULT, "one")
    assert host.breaker.snapshot() == "closed"
    host.request(FAULT, "two")
    assert host.breaker.snapshot() == "open"
    host.now += OPEN_S
    host.request(FAULT, "one")
    host.request(None, "two")
    for _ in range(4 * FAILURES):
        host.request(FAULT, "one")
    assert host.breaker.snapshot() == "closed"


@pytest.mark.parametrize("answer", [None, errors.NotFound("x"), errors.RateLimited("x")])
def test_any_answer_of_a_working_host_starts_the_count_again(host, answer):
    for _ in range(3):
        for _ in range(FAILURES - 1):
            host.request(DOWN)
        host.request(answer)
    assert host.breaker.snapshot() == "closed"


def test_after_ten_seconds_one_probe_is_let_through(broken):
    broken.now += OPEN_S
    assert broken.breaker.snapshot() == "half_open"
    assert broken.breaker.admit() is True
    with pytest.raises(errors.BreakerOpen) as caught:
        broken.breaker.admit()
    assert caught.value.retry_after_s > 0


def test_a_good_probe_closes_it(broken):
    broken.now += OPEN_S
    broken.request()
    assert broken.breaker.snapshot() == "closed"
    for _ in range(FAILURES - 1):
        broken.request(DOWN)
    assert broken.breaker.snapshot() == "closed"


def test_a_failed_probe_opens_it_again_at_once(broken):
    broken.now += OPEN_S
    broken.request(DOWN)
    assert broken.breaker.snapshot() == "open"
    with pytest.raises(errors.BreakerOpen) as caught:
        broken.breaker.admit()
    assert caught.value.retry_after_s == pytest.approx(OPEN_S)


def test_failures_of_requests_that_left_earlier_do_not_prolong_it(broken):
    broken.now += 9
    broken.hear(DOWN)
    broken.now += 1
    assert broken.breaker.admit() is True


def test_an_answer_to_a_request_that_left_earlier_closes_it(broken):
    broken.hear()
    assert broken.breaker.snapshot() == "closed"


@pytest.mark.parametrize("error", [errors.KalshiError("a bug"), errors.NoCredentials("x")])
def test_a_probe_that_failed_by_our_own_fault_may_be_repeated(broken, error):
    broken.now += OPEN_S
    broken.request(error)
    assert broken.breaker.admit() is True


def test_a_lost_probe_is_replaced_after_a_while(broken):
    broken.now += OPEN_S
    broken.breaker.admit()
    broken.now += PROBE_LEASE_S
    assert broken.breaker.admit() is True


def test_whether_it_is_open_can_be_seen_without_waiting(host):
    assert not host.breaker.is_open()
    host.break_it()
    assert host.breaker.is_open()
    host.hear()
    assert not host.breaker.is_open()


class TestProcesses:
    """Two processes on one Redis."""

    @pytest.fixture
    def link(self, redis_url):
        with redis_cache(redis_url) as cache:
            yield link_to(cache)

    @pytest.fixture
    def other(self, host, link, scope):
        return host.process(link, scope)

    def test_failures_of_all_count_together(self, host, other):
        for breaker in (host.breaker, other, host.breaker, other, host.breaker):
            breaker.report("fails", "get_balance", probe=breaker.admit())
        for breaker in (host.breaker, other):
            with pytest.raises(errors.BreakerOpen):
                breaker.admit()
            assert breaker.is_open()

    def test_operations_that_fail_are_counted_over_all_processes(self, host, other):
        for breaker, operation in (
            (host.breaker, "one"),
            (other, "two"),
            (other, "three"),
            (host.breaker, "one"),
        ):
            breaker.report("faults", operation, probe=breaker.admit())
        assert other.snapshot() == "closed"
        other.report("faults", "two", probe=other.admit())
        assert host.breaker.snapshot() == other.snapshot() == "open"

    def test_one_probe_is_out_over_all_processes(self, broken, other):
        broken.now += OPEN_S
        assert broken.breaker.admit() is True
        with pytest.raises(errors.BreakerOpen):
            other.admit()
        broken.hear(probe=True)
        assert other.admit() is False
        assert other.snapshot() == "closed"

    def test_a_killed_process_with_the_probe_holds_up_nobody_for_long(self, broken, other):
        broken.now += OPEN_S
        assert broken.breaker.admit() is True
        broken.breaker.close()  # as if killed: nothing is renewed
        broken.now += LEASE_S
        assert other.admit() is True
        other.close()

    def test_a_slow_probe_stays_the_only_one(self, broken, other):
        broken.now += OPEN_S
        broken.breaker.admit()
        for _ in range(5):
            broken.now += LEASE_S - 0.1
            assert broken.breaker._renew_probe()
            with pytest.raises(errors.BreakerOpen):
                other.admit()
        broken.hear(DOWN, probe=True)
        assert not broken.breaker._renew_probe()

    def test_a_clock_set_back_prolongs_nothing(self, broken):
        broken.now -= 3600
        with pytest.raises(errors.BreakerOpen) as caught:
            broken.breaker.admit()
        assert caught.value.retry_after_s <= OPEN_S

    def test_without_redis_each_process_goes_on_with_what_it_saw(self, own_redis, scope):
        with redis_cache(own_redis.url) as cache:
            host = Host(link_to(cache), scope)
            for _ in range(FAILURES - 1):
                host.request(DOWN)
            own_redis.stop()
            host.request(DOWN)
            with pytest.raises(errors.BreakerOpen):
                host.request()
            assert host.breaker.snapshot() == "open"
            assert host.breaker.is_open()

    def test_it_is_forgotten_by_redis_in_the_end(self, broken, link, scope):
        left_ms = link.call(lambda redis: redis.pttl(link.name(f"{PREFIX}:breaker:{scope}")))
        assert 0 < left_ms <= 300_000
