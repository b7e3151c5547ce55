import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi import errors
from kalshi.cache.entry import Entry
from kalshi.cache.policy import Action, Policy, decide, may_serve_stale, stored_times

NOW = 1_000_000.0
POLICY = Policy(fresh_s=60, keep_s=3600, patience_s=1)
SERVE, REFRESH, FETCH = Action.SERVE, Action.REFRESH, Action.FETCH


def aged(age_s: float, status: int = 200, *, keep_s: float = 3600) -> Entry:
    fresh_s, keep_s = stored_times(Policy(60, keep_s), status)
    return Entry.of("key", status, b"{}", fetched_at=NOW - age_s, fresh_s=fresh_s, keep_s=keep_s)


@pytest.mark.parametrize(
    ("entry", "forced", "expected"),
    [
        (None, False, FETCH),
        (None, True, FETCH),
        (aged(0), False, SERVE),
        (aged(59.9), False, SERVE),
        (aged(60), False, REFRESH),
        (aged(3599), False, REFRESH),
        (aged(3600), False, FETCH),
        (aged(1.9), True, SERVE),  # somebody has just fetched it
        (aged(2), True, REFRESH),
        (aged(3600), True, FETCH),
        (aged(9.9, 404), False, SERVE),
        (aged(10, 404), False, FETCH),
        (aged(1.9, 404), True, SERVE),
        (aged(2, 404), True, FETCH),
        (aged(-4), False, SERVE),  # clocks of two machines
        (aged(-60), False, REFRESH),  # our clock was set back
    ],
)
def test_decisions(entry, forced, expected):
    assert decide(entry, POLICY, NOW, forced=forced) is expected


def test_a_changed_fresh_time_acts_on_what_is_cached():
    assert decide(aged(30), Policy(10, 3600), NOW, forced=False) is REFRESH
    assert decide(aged(300), Policy(600, 3600), NOW, forced=False) is SERVE


def test_of_two_keep_times_the_smaller_one_counts():
    assert decide(aged(200), Policy(60, 100), NOW, forced=False) is FETCH
    assert decide(aged(200, keep_s=100), Policy(60, 3600), NOW, forced=False) is FETCH


def test_a_fresh_time_under_two_seconds_holds_for_forced_callers_too():
    assert decide(aged(1), Policy(0.5, 3600), NOW, forced=True) is REFRESH


HIDDEN = [
    errors.UpstreamUnavailable("x"),
    errors.UpstreamTimeout("x"),
    errors.BreakerOpen("x"),
    errors.RateLimited("x"),
    errors.UnexpectedPayload("x"),
    errors.TimestampExpired("x"),
]
SHOWN = [
    errors.BadRequest("x"),
    errors.UpstreamRefused("x"),
    errors.AuthRejected("x"),
    errors.NotFound("x"),
    errors.NoCredentials("x"),
    errors.EndpointOff("x"),
    ValueError("a bug"),
]


@pytest.mark.parametrize("error", HIDDEN, ids=lambda e: type(e).__name__)
def test_outages_are_hidden_behind_a_copy(error):
    assert may_serve_stale(aged(3599), POLICY, NOW, error)
    assert may_serve_stale(aged(-60), POLICY, NOW, error)  # our clock was set back
    assert not may_serve_stale(aged(3600), POLICY, NOW, error)
    assert not may_serve_stale(None, POLICY, NOW, error)
    assert not may_serve_stale(aged(1, 404), POLICY, NOW, error)


@pytest.mark.parametrize("error", SHOWN, ids=lambda e: type(e).__name__)
def test_refusals_and_bugs_are_never_hidden(error):
    assert not may_serve_stale(aged(1), POLICY, NOW, error)


@given(st.floats(-1e6, 1e6), st.floats(1, 1e5), st.floats(0, 1e6), st.booleans())
def test_an_entry_past_its_keep_time_is_never_used(age_s, fresh_s, extra_s, forced):
    policy = Policy(fresh_s, fresh_s + extra_s)
    entry = aged(age_s, keep_s=policy.keep_s)
    age_s = entry.age_s(NOW)
    if age_s is not None and age_s >= policy.keep_s:
        assert decide(entry, policy, NOW, forced=forced) is FETCH
