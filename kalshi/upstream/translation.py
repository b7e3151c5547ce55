"""The exceptions of requests and urllib3 -> ours, in one place; none of theirs leaves the transports.

A test fails when requests gains a class without a row here. Their messages are not passed on: they can hold
proxy passwords and header values.
"""

import re

import requests
import urllib3.exceptions as urllib3_errors

from kalshi.errors import UnexpectedPayload, UpstreamError, UpstreamTimeout, UpstreamUnavailable
from kalshi.upstream.answers import OddAnswerError
from kalshi.upstream.connections import StaleConnectionError

_NO_ANSWER = "Kalshi did not answer in time."
_BROKEN = "The connection to Kalshi broke."
_CUT_SHORT = "Kalshi's answer is cut short."
_NOT_DECODABLE = "Kalshi's answer cannot be decoded."
_NOT_SENT = "The request to Kalshi could not be sent."
_TLS = "No secure connection to Kalshi: its TLS certificate was not accepted, or TLS failed."

COUNTERPARTS: dict[type[BaseException], tuple[type[UpstreamError], str]] = {
    requests.ConnectTimeout: (UpstreamTimeout, "No connection to Kalshi came about in time."),
    requests.ReadTimeout: (UpstreamTimeout, _NO_ANSWER),
    requests.Timeout: (UpstreamTimeout, _NO_ANSWER),
    requests.exceptions.ProxyError: (UpstreamUnavailable, "The proxy to Kalshi does not work."),
    requests.exceptions.SSLError: (UpstreamUnavailable, _TLS),
    requests.ConnectionError: (UpstreamUnavailable, _BROKEN),
    requests.exceptions.ChunkedEncodingError: (UnexpectedPayload, _CUT_SHORT),
    requests.exceptions.ContentDecodingError: (UnexpectedPayload, _NOT_DECODABLE),
    requests.exceptions.InvalidJSONError: (UnexpectedPayload, _NOT_DECODABLE),
    requests.JSONDecodeError: (UnexpectedPayload, _NOT_DECODABLE),
    requests.TooManyRedirects: (UnexpectedPayload, "Kalshi answered with a chain of redirects."),
    requests.HTTPError: (UpstreamUnavailable, _BROKEN),
    requests.URLRequired: (UpstreamUnavailable, _NOT_SENT),
    requests.exceptions.MissingSchema: (UpstreamUnavailable, _NOT_SENT),
    requests.exceptions.InvalidSchema: (UpstreamUnavailable, _NOT_SENT),
    requests.exceptions.InvalidURL: (UpstreamUnavailable, _NOT_SENT),
    requests.exceptions.InvalidHeader: (UpstreamUnavailable, _NOT_SENT),
    requests.exceptions.InvalidProxyURL: (
        UpstreamUnavailable,
        "The address of the proxy to Kalshi is malformed.",
    ),
    requests.exceptions.StreamConsumedError: (UpstreamUnavailable, _BROKEN),
    requests.exceptions.RetryError: (UpstreamUnavailable, _BROKEN),
    requests.exceptions.UnrewindableBodyError: (UpstreamUnavailable, _NOT_SENT),
    requests.RequestException: (UpstreamUnavailable, _BROKEN),
    urllib3_errors.ReadTimeoutError: (UpstreamTimeout, _NO_ANSWER),
    urllib3_errors.DecodeError: (UnexpectedPayload, _NOT_DECODABLE),
    urllib3_errors.ProtocolError: (UnexpectedPayload, _CUT_SHORT),
    urllib3_errors.SSLError: (UpstreamUnavailable, _TLS),
    urllib3_errors.HTTPError: (UpstreamUnavailable, _BROKEN),
    OSError: (UpstreamUnavailable, _BROKEN),
}


def translated(error: BaseException, *, proxy: str = "") -> UpstreamError:
    """Our error for one of theirs; the nearest class with a row decides. proxy: how to name it, when there is one."""
    causes = _causes(error)
    if any(isinstance(cause, OddAnswerError) for cause in causes):
        return UnexpectedPayload("Kalshi's answer is no proper HTTP.")
    if proxy and (ours := _of_proxy(error, causes, f"The proxy {proxy}")):
        return ours
    if isinstance(error, urllib3_errors.ProtocolError) and any(
        isinstance(cause, OSError) for cause in causes
    ):
        return UpstreamUnavailable(_BROKEN)
    if any(isinstance(cause, urllib3_errors.NameResolutionError) for cause in causes):
        return UpstreamUnavailable("Kalshi's host name cannot be resolved; is this machine online?")
    if any(isinstance(cause, urllib3_errors.NewConnectionError) for cause in causes):
        return UpstreamUnavailable("Kalshi cannot be reached: no connection.")
    kind, sentence = next(COUNTERPARTS[base] for base in type(error).__mro__ if base in COUNTERPARTS)
    return kind(sentence)


def _of_proxy(error: BaseException, causes: list[BaseException], proxy: str) -> UpstreamError | None:
    """What the proxy did: all that we connect to is the proxy. None when it is not to blame."""
    kinds = tuple(type(cause) for cause in (error, *causes))
    if urllib3_errors.NameResolutionError in kinds:
        return UpstreamUnavailable(f"{proxy} has a host name that cannot be resolved.")
    silent = f"{proxy} does not answer, so Kalshi cannot be reached."
    if urllib3_errors.ConnectTimeoutError in kinds or requests.ConnectTimeout in kinds:
        return UpstreamTimeout(silent)
    if urllib3_errors.NewConnectionError in kinds:
        return UpstreamUnavailable(silent)
    if requests.exceptions.ProxyError not in kinds:
        return None
    told = re.search(r"Tunnel connection failed: ([0-9]{3})", " ".join(map(str, causes)))
    said = f"refuses to connect to Kalshi ({told[1]})" if told else "does not work"
    return UpstreamUnavailable(f"{proxy} {said}.")


def is_stale(error: BaseException) -> bool:
    """Whether a kept-alive connection turned out to be closed."""
    return any(isinstance(cause, StaleConnectionError) for cause in _causes(error))


def _causes(error: BaseException) -> list[BaseException]:
    """Both libraries put the error below into `args` or `reason`; the outermost is left out."""
    found: list[BaseException] = []
    queue: list[object] = [*error.args, getattr(error, "reason", None)]
    while queue and len(found) < 10:
        item = queue.pop(0)
        if isinstance(item, BaseException):
            found.append(item)
            queue += [*item.args, getattr(item, "reason", None)]
    return found
