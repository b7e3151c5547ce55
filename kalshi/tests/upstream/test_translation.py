import inspect
from http.client import IncompleteRead

import pytest
import requests
import urllib3.exceptions as urllib3_errors

from kalshi.errors import UnexpectedPayload, UpstreamError, UpstreamTimeout, UpstreamUnavailable
from kalshi.upstream.connections import StaleConnectionError
from kalshi.upstream.translation import COUNTERPARTS, is_stale, translated

THEIRS = [
    kind
    for _, kind in inspect.getmembers(requests.exceptions, inspect.isclass)
    if issubclass(kind, requests.RequestException)
]
URLLIB3 = [
    kind
    for _, kind in inspect.getmembers(urllib3_errors, inspect.isclass)
    if issubclass(kind, urllib3_errors.HTTPError) and kind.__module__ == "urllib3.exceptions"
]


@pytest.mark.parametrize("kind", THEIRS)
def test_every_exception_of_requests_has_a_row(kind: type[requests.RequestException]) -> None:
    assert kind in COUNTERPARTS


@pytest.mark.parametrize("kind", URLLIB3)
def test_every_exception_of_urllib3_has_a_counterpart(kind: type[urllib3_errors.HTTPError]) -> None:
    assert isinstance(translated(kind.__new__(kind)), UpstreamError)


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        (requests.ConnectTimeout(), UpstreamTimeout, False),
        (requests.ReadTimeout(), UpstreamTimeout, False),
        (requests.ConnectionError(), UpstreamUnavailable, True),
        (requests.exceptions.SSLError(), UpstreamUnavailable, True),
        (requests.exceptions.ChunkedEncodingError(), UnexpectedPayload, False),
        (urllib3_errors.ProtocolError("x", ConnectionResetError()), UpstreamUnavailable, True),
        (urllib3_errors.ProtocolError("x", IncompleteRead(b"")), UnexpectedPayload, False),
        (urllib3_errors.DecodeError(), UnexpectedPayload, False),
        (OSError(), UpstreamUnavailable, True),
    ],
)
def test_only_what_a_second_try_can_mend_is_retryable(
    error: Exception, kind: type[UpstreamError], retryable: bool
) -> None:
    ours = translated(error)
    assert type(ours) is kind
    assert ours.retryable is retryable


def test_no_text_of_theirs_is_passed_on() -> None:
    for kind in COUNTERPARTS:
        if kind is not requests.JSONDecodeError:
            assert (
                "hunter2" not in translated(kind("hunter2", None, "x")).message
                if kind is not OSError
                else True
            )


def test_a_stale_connection_is_found_below_both_libraries() -> None:
    stale = StaleConnectionError("closed")
    assert is_stale(requests.ConnectionError(urllib3_errors.ProtocolError("aborted", stale)))
    assert not is_stale(requests.ConnectionError(urllib3_errors.ProtocolError("aborted", ConnectionError())))
    assert not is_stale(requests.ConnectionError())
