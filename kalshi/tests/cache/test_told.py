import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi import errors
from kalshi.cache.told import from_text, to_text


@pytest.mark.parametrize(
    "error",
    [
        errors.UpstreamUnavailable("down", upstream_status=503, upstream_body=b"\xff{}", retry_after_s=2.5),
        errors.RateLimited("slow down", retry_after_s=1),
        errors.AuthRejected("refused", upstream_status=401, upstream_body=b'{"error":"x"}'),
        errors.UpstreamRefused("bad cursor", upstream_status=400),
        errors.NoCredentials("none"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_it_left(error):
    told = from_text(to_text(error))
    assert type(told) is type(error)
    assert vars(told) == vars(error)


def test_a_bug_arrives_without_its_words():
    told = from_text(to_text(ZeroDivisionError("secret")))
    assert (type(told), told.code) == (errors.KalshiError, "internal_error")
    assert "secret" not in told.message


def test_a_huge_error_body_is_left_out():
    error = errors.UpstreamUnavailable("down", upstream_body=b"x" * 1_000_000)
    assert from_text(to_text(error)).upstream_body == b""


GOOD = json.loads(to_text(errors.UpstreamUnavailable("down", upstream_status=503, retry_after_s=1.5)))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(GOOD)), ANYTHING)
def test_whatever_stands_in_one_of_its_fields_can_be_sent_to_a_caller(name, value):
    told = from_text(json.dumps(GOOD | {name: value}))
    assert isinstance(told, errors.KalshiError)
    assert isinstance(told.message, str) and told.message.encode() is not None
    assert told.retry_after_s is None or 0 <= told.retry_after_s <= 3600
    status = getattr(told, "upstream_status", None)
    assert status is None or (type(status) is int and 100 <= status <= 999)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "{}",
        *(json.dumps(GOOD).replace("1.5", n) for n in ("1e999", "-5", "NaN", "1" * 400)),
    ],
    ids=lambda text: text[-20:],
)
def test_a_text_that_cannot_be_an_error_is_one_that_did_not_say_how(text):
    assert type(from_text(text)) is errors.KalshiError


@given(st.text() | st.sampled_from(['{"kind":"json"}', '{"kind":"KalshiError"}', "[1]", "1", '{"kind":1}']))
def test_anything_else_is_an_error_all_the_same(text):
    assert type(from_text(text)) is errors.KalshiError
