"""An error of the tree as text, so that one process can tell it to the others. Pure."""

import json

from kalshi import errors
from kalshi.errors import KalshiError, UpstreamError

MAX_BODY = 64 * 1024
"""A longer error body is not told."""
LONGEST_WAIT_S = 3600
"""No error that we tell asks for a longer one."""


def to_text(error: BaseException) -> str:
    """A bug of ours is told as one, without its words: they may hold anything."""
    if not isinstance(error, KalshiError):
        return json.dumps(
            {"kind": "KalshiError", "message": "A fetch in another process failed by a bug of ours."}
        )
    told = {"kind": type(error).__name__, "message": error.message, "retry_after_s": error.retry_after_s}
    if isinstance(error, UpstreamError):
        body = error.upstream_body if len(error.upstream_body) <= MAX_BODY else b""
        told |= {"upstream_status": error.upstream_status, "upstream_body": body.decode("latin-1")}
    return json.dumps(told)


def from_text(text: str) -> KalshiError:
    """The error that was told; a plain KalshiError for anything that `to_text` did not write."""
    try:
        told = json.loads(text)
        message, retry_after_s = _sentence(told["message"]), _seconds(told["retry_after_s"])
        kind: type[KalshiError] = getattr(errors, told["kind"])
        if issubclass(kind, UpstreamError):
            return kind(
                message,
                upstream_status=_status(told["upstream_status"]),
                upstream_body=told["upstream_body"].encode("latin-1")[:MAX_BODY],
                retry_after_s=retry_after_s,
            )
        if issubclass(kind, KalshiError):
            return kind(message, retry_after_s=retry_after_s)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return KalshiError("A fetch in another process failed, and did not say how.")


def _sentence(value: object) -> str:
    """Raises ValueError or TypeError for what cannot be sent to a caller, as do the two below."""
    if not isinstance(value, str):
        raise TypeError("a message is text")
    value.encode()  # no half of an emoji
    return value


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_WAIT_S:
        raise ValueError("nobody is sent away for so long")
    return value


def _status(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 100 <= value <= 999:
        raise ValueError("no HTTP status")
    return value
