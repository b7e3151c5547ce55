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


@given(st.text() | st.sampled_from(['{"kind":"json"}', '{"kind":"KalshiError"}', "[1]", "1", '{"kind":1}']))
def test_anything_else_is_an_error_all_the_same(text):
    assert type(from_text(text)) is errors.KalshiError
