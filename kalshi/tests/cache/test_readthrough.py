"""What a single caller sees, over both stores. Many callers at once: test_single_flight.py."""

import pytest

from kalshi import errors
from kalshi.cache.policy import Policy
from kalshi.cache.readthrough import ReadThrough
from kalshi.tests.cache.drills import IMPATIENT, POLICY, Drill, until

BODY = b'{ "a" : 1.50,\r\n "b":"\\u00e9", "z":[] }\n'


def test_the_first_caller_gets_the_fetched_bytes_and_the_next_the_cached_ones(drill):
    drill.upstream.body = BODY
    first, second = drill.read(), drill.read()
    assert (first.kind, first.stored, second.kind, second.stored) == ("miss", True, "hit", False)
    assert first.entry.body == second.entry.body == BODY
    assert first.entry.etag == second.entry.etag
    assert drill.upstream.loads == 1


def test_nothing_is_fetched_within_the_fresh_time(drill):
    drill.warm(age_s=59.9)
    assert drill.read().kind == "hit"
    assert drill.upstream.loads == 0


def test_an_old_copy_is_refreshed_when_upstream_is_quick(drill):
    drill.warm(age_s=140)
    answer = drill.read()
    assert (answer.kind, answer.stored, answer.entry.body) == ("refreshed", True, b'{"n":1}')
    assert answer.entry.fetched_at == drill.now
    assert drill.read().kind == "hit"


def test_patience_ends_with_the_copy_and_the_fetch_goes_on(drill):
    drill.warm(age_s=140)
    drill.upstream.hold()
    answer = drill.read(IMPATIENT)
    assert (answer.kind, answer.detail, answer.entry.body) == ("stale", "refreshing", b'{"n":0}')
    assert answer.entry.age_s(drill.now) == 140
    drill.upstream.let_go()
    until(lambda: drill.through.peek("key").body == b'{"n":1}')
    assert drill.read().kind == "hit"
    assert drill.upstream.loads == 1


def test_without_patience_the_copy_comes_at_once(drill):
    drill.warm(age_s=140)
    drill.upstream.hold()
    assert drill.read(Policy(60, 3600, 0), before_wait=_must_not_wait).detail == "refreshing"


def _must_not_wait():
    raise AssertionError("this caller must not wait")


@pytest.mark.parametrize(
    "error",
    [
        errors.UpstreamUnavailable("x"),
        errors.UpstreamTimeout("x"),
        errors.BreakerOpen("x", retry_after_s=5),
        errors.RateLimited("x"),
        errors.UnexpectedPayload("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_outage_is_hidden_behind_the_copy_and_named(drill, error):
    drill.warm(age_s=140)
    drill.upstream.error = error
    answer = drill.read()
    assert (answer.kind, answer.detail, answer.entry.body) == ("stale", error.code, b'{"n":0}')
    assert drill.through.last_error("key") == error.code


def test_after_an_outage_the_first_caller_gets_new_data(drill):
    drill.warm(age_s=140)
    drill.upstream.error = errors.UpstreamUnavailable("down")
    drill.read()
    drill.upstream.error = None
    assert drill.read().kind == "refreshed"
    assert drill.through.last_error("key") is None


def test_a_copy_past_its_keep_time_hides_nothing(drill):
    drill.warm(age_s=3600)
    drill.upstream.error = errors.UpstreamUnavailable("down")
    with pytest.raises(errors.UpstreamUnavailable):
        drill.read()


@pytest.mark.parametrize(
    "error",
    [errors.UpstreamRefused("x"), errors.AuthRejected("x"), errors.NotFound("x"), errors.NoCredentials("x")],
    ids=lambda error: type(error).__name__,
)
def test_a_refusal_is_never_hidden(drill, error):
    drill.warm(age_s=140)
    drill.upstream.error = error
    with pytest.raises(type(error)):
        drill.read()


def test_an_error_with_nothing_cached_reaches_the_caller_unchanged(drill):
    drill.upstream.error = errors.RateLimited("slow down", retry_after_s=7)
    with pytest.raises(errors.RateLimited) as caught:
        drill.read()
    assert caught.value.retry_after_s == 7
    assert drill.through.last_error("key") == "upstream_rate_limited"
    assert drill.through.peek("key") is None


def test_a_404_is_kept_for_ten_seconds_with_its_body(drill):
    drill.upstream.error = errors.NotFound(
        "no such market", upstream_status=404, upstream_body=b'{"error":1}'
    )
    for age_s in (0, 9.9):
        drill.now = 1_000_000.0 + age_s
        with pytest.raises(errors.NotFound) as caught:
            drill.read()
        assert caught.value.upstream_body == b'{"error":1}'
        assert caught.value.upstream_status == 404
    assert drill.upstream.loads == 1
    drill.now = 1_000_010.0
    drill.upstream.error = None
    assert drill.read().kind == "miss"


def test_a_404_given_as_a_status_is_a_404(drill):
    drill.upstream.status, drill.upstream.body = 404, b'{"code":"not_found"}'
    with pytest.raises(errors.NotFound) as caught:
        drill.read()
    assert caught.value.upstream_body == b'{"code":"not_found"}'


def test_a_404_replaces_the_good_copy(drill):
    drill.warm(age_s=140)
    drill.upstream.error = errors.NotFound("gone")
    with pytest.raises(errors.NotFound):
        drill.read()
    drill.now += 11
    drill.upstream.error = errors.UpstreamUnavailable("down")
    with pytest.raises(errors.UpstreamUnavailable):
        drill.read()


def test_a_shorter_fresh_time_is_in_force_at_once(drill):
    drill.warm(age_s=30)
    assert drill.read(Policy(60, 3600)).kind == "hit"
    assert drill.read(Policy(10, 3600, POLICY.patience_s)).kind == "refreshed"


def test_a_forced_caller_gets_new_data_and_everybody_has_it(drill):
    drill.warm(age_s=10)
    assert drill.read(forced=True).kind == "forced"
    assert drill.read().entry.body == b'{"n":1}'
    assert drill.upstream.loads == 1


def test_callers_force_one_fetch_in_two_seconds(drill):
    drill.warm(age_s=10)
    kinds = []
    for _ in range(6):
        kinds.append(drill.read(forced=True).kind)
        drill.now += 0.5
    assert kinds == ["forced", "hit", "hit", "hit", "forced", "hit"]


def test_a_forced_fetch_with_nothing_cached_is_a_miss(drill):
    assert drill.read(forced=True).kind == "miss"


def test_a_forced_fetch_waits_at_most_patience(drill):
    drill.warm(age_s=10)
    drill.upstream.hold()
    answer = drill.read(IMPATIENT, forced=True)
    assert (answer.kind, answer.detail, answer.entry.age_s(drill.now)) == ("stale", "refreshing", 10)


def test_a_failed_forced_fetch_falls_back_and_is_not_repeated_at_once(drill):
    drill.warm(age_s=10)
    drill.upstream.error = errors.UpstreamUnavailable("down")
    answer = drill.read(forced=True)
    assert (answer.kind, answer.detail, answer.entry.body) == ("stale", "upstream_unavailable", b'{"n":0}')
    assert drill.read(forced=True).kind == "hit"
    assert drill.upstream.loads == 1
    drill.now += 2
    drill.read(forced=True)
    assert drill.upstream.loads == 2


def test_a_refused_forced_fetch_is_not_hidden(drill):
    drill.warm(age_s=10)
    drill.upstream.error = errors.AuthRejected("key revoked")
    with pytest.raises(errors.AuthRejected):
        drill.read(forced=True)


def test_peeking_fetches_nothing(drill):
    assert drill.through.peek("key") is None
    drill.warm(age_s=4000)
    assert drill.through.peek("key").body == b'{"n":0}'
    assert drill.upstream.loads == 0


def test_a_clock_set_back_does_not_freeze_old_data(drill):
    drill.warm()
    drill.now -= 3000
    assert drill.read().kind == "refreshed"


def test_every_outcome_is_reported(store):
    outcomes = []
    drill = Drill(store)
    drill.through = ReadThrough(
        store, clock=lambda: drill.now, on_outcome=lambda *found: outcomes.append(found)
    )
    drill.read()
    drill.read()
    drill.now += 140
    drill.upstream.error = errors.RateLimited("x")
    drill.read()
    with pytest.raises(errors.RateLimited):
        drill.read(key="other")
    drill.upstream.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        drill.read(key="other")
    kinds = ["miss", "hit", "stale", "upstream_rate_limited", "internal_error"]
    assert outcomes == [("get_balance", kind) for kind in kinds]
    drill.close()


def test_a_fetch_in_the_air_can_be_seen_without_waiting(drill):
    assert not drill.through.refreshing("key")
    drill.warm(age_s=140)
    drill.upstream.hold()
    drill.read(IMPATIENT)
    assert drill.through.refreshing("key")
    assert drill.through.hot("key").body == b'{"n":0}'
    drill.upstream.let_go()
    until(lambda: not drill.through.refreshing("key"))
    assert drill.through.hot("key").body == b'{"n":1}'
