import pytest

from kalshi import errors
from kalshi.limits.breaker import FAILURES, OPEN_S, PROBE_LEASE_S, Breaker

DOWN = errors.UpstreamUnavailable("down")


class Host:
    """A breaker with a clock to turn."""

    def __init__(self):
        self.now = 1000.0
        self.breaker = Breaker(clock=lambda: self.now)

    def request(self, error=None):
        probe = self.breaker.admit()
        self.breaker.report(error, probe=probe)

    def break_it(self):
        for _ in range(FAILURES):
            self.request(DOWN)


@pytest.fixture
def host():
    return Host()


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
    assert caught.value.retry_after_s == OPEN_S - 3


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
    assert caught.value.retry_after_s == OPEN_S


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
