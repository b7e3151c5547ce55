import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalshi.tests.upstream.verification import verify
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import PrivateKey
from kalshi.upstream.signing import signature_headers, signed_text


def test_the_signed_text_is_time_method_and_path_without_the_query() -> None:
    expected = b"1795187045123GET/trade-api/v2/portfolio/orders"
    assert signed_text(1795187045123, "get", "/trade-api/v2/portfolio/orders") == expected
    assert signed_text(1795187045123, "GET", "/trade-api/v2/portfolio/orders?limit=5&x=?") == expected


@pytest.mark.parametrize(
    "path",
    ["/trade-api/v2/portfolio/balance", "/trade-api/v2/markets/KX-T61.5", "/trade-api/v2/markets/KX%20Y"],
)
def test_the_public_key_accepts_the_signature_of_exactly_this_request(
    key: PrivateKey, credentials: Credentials, path: str
) -> None:
    headers = signature_headers(credentials, "GET", path, 1795187045123)
    assert headers["KALSHI-ACCESS-KEY"] == credentials.key_id
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1795187045123"
    verify(key, headers, "GET", path)
    for method, other in (("POST", path), ("GET", path + "/"), ("GET", path.upper())):
        with pytest.raises(InvalidSignature):
            verify(key, headers, method, other)
    with pytest.raises(InvalidSignature):
        verify(key, headers | {"KALSHI-ACCESS-TIMESTAMP": "1795187045124"}, "GET", path)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(), ts_ms=st.integers(0, 10**14))
def test_any_path_without_a_question_mark_verifies(
    key: PrivateKey, credentials: Credentials, path: str, ts_ms: int
) -> None:
    path = "/" + path.replace("?", "")
    verify(key, signature_headers(credentials, "GET", path, ts_ms), "GET", path)
