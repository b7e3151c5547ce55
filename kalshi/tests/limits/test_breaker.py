import pytest

from kalshi import errors
from kalshi.limits.breaker import FAILURES, OPEN_S, PROBE_LEASE_S, Breaker
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

    def request(self, error=None):
        probe = self.breaker.admit()
        self.breaker.report(error, probe=probe)

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


@pytest.mark.parametrize(
    ("error", "opens"),
    [
        (errors.UpstreamUnavailable("x"), True),
        (errors.UpstreamTimeout("x"), True),
        (errors.UnexpectedPayload("x"), True),
        (errors.RateLimited("x"), False),
        (errors.UpstreamRefused("x"), False),
        (errors.AuthRejected("x"), False),
        (errors.NotFound("x"), False),
        (errors.BreakerOpen("x"), False),
        (errors.KalshiError("a bug"), False),
        (None, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_a_host_that_does_not_work_opens_it(host, error, opens):
    for _ in range(3 * FAILURES):
        try:
            host.request(error)
        except errors.BreakerOpen:
            break
    assert (host.breaker.snapshot() == "open") is opens


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
    broken.breaker.report(DOWN, probe=False)
    broken.now += 1
    assert broken.breaker.admit() is True


def test_an_answer_to_a_request_that_left_earlier_closes_it(broken):
    broken.breaker.report(None, probe=False)
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
    host.breaker.report(None, probe=False)
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
            breaker.report(DOWN, probe=breaker.admit())
        for breaker in (host.breaker, other):
            with pytest.raises(errors.BreakerOpen):
                breaker.admit()
            assert breaker.is_open()

    def test_one_probe_is_out_over_all_processes(self, broken, other):
        broken.now += OPEN_S
        assert broken.breaker.admit() is True
        with pytest.raises(errors.BreakerOpen):
            other.admit()
        broken.breaker.report(None, probe=True)
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
        broken.breaker.report(DOWN, probe=True)
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
