import re
from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kalshi.cache.keys import MAX_LENGTH, Scope, cache_key

words = st.text(max_size=40) | st.sampled_from(["", "a", "a:b", "a%3Ab", "public", "*", "a.b", "?", "a&b=c"])
fingerprints = st.text("0123456789abcdef", min_size=8, max_size=8)
scopes = st.builds(Scope, words, words, words, fingerprints)
params = st.lists(st.tuples(words, words | st.text(min_size=200, max_size=400)), max_size=3).map(tuple)
calls = st.tuples(scopes, words, st.booleans(), words, params)

SCOPE = Scope("prod", "api.elections.kalshi.com", "default", "0123abcd")


def meaning(call):
    scope, operation, signed, path, query = call
    owner = (scope.account, scope.key_fingerprint) if signed else None
    return scope.environment, scope.host, owner, operation, path, query


@given(calls, calls)
def test_two_calls_share_a_key_only_when_they_are_the_same_call(one, other):
    assert (cache_key(*one) == cache_key(*other)) == (meaning(one) == meaning(other))


@given(calls, st.sampled_from(["environment", "host", "account", "key"]))
def test_another_environment_host_account_or_key_is_another_entry(call, what):
    scope, operation, _, path, query = call
    changed = {
        "environment": Scope(scope.environment + "x", scope.host, scope.account, scope.key_fingerprint),
        "host": Scope(scope.environment, scope.host + ":1", scope.account, scope.key_fingerprint),
        "account": Scope(scope.environment, scope.host, scope.account + "2", scope.key_fingerprint),
        "key": Scope(scope.environment, scope.host, scope.account, "ffffffff"),
    }[what]
    assume(changed != scope)
    assert cache_key(scope, operation, True, path, query) != cache_key(changed, operation, True, path, query)


@given(calls)
def test_keys_are_short_and_fit_for_every_store(call):
    key = cache_key(*call)
    assert len(key) <= MAX_LENGTH
    assert re.fullmatch(r"[A-Za-z0-9_.~%*:/?&=-]+", key)


def test_public_data_is_shared_by_all_accounts():
    other = Scope("prod", "api.elections.kalshi.com", "second", "")
    assert cache_key(SCOPE, "get_market", False, "/markets/KX", ()) == cache_key(
        other, "get_market", False, "/markets/KX", ()
    )


def test_a_person_can_read_a_key():
    key = cache_key(SCOPE, "get_orders", True, "/portfolio/orders", (("limit", "100"), ("status", "resting")))
    assert key == (
        "kalshi:1:prod:api.elections.kalshi.com:default.0123abcd:get_orders:/portfolio/orders?limit=100&status=resting"
    )


def test_no_key_id_can_get_into_a_key():
    key_id = "a952bcbe-ec3b-4b5b-b8f9-11dae589608c"
    with pytest.raises(ValueError, match="first 8 hex digits"):
        Scope("prod", "host", "default", key_id)
    scope = Scope("prod", "host", "default", sha256(key_id.encode()).hexdigest()[:8])
    assert key_id not in cache_key(scope, "get_balance", True, "/portfolio/balance")


def test_signed_data_without_a_key_has_no_cache_key():
    with pytest.raises(ValueError, match="names no API key"):
        cache_key(Scope("prod", "host", "default", ""), "get_balance", True, "/portfolio/balance")
