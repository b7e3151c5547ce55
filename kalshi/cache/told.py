"""An error of the tree as text, so that one process can tell it to the others. Pure."""

import json

from kalshi import errors
from kalshi.errors import KalshiError, UpstreamError

MAX_BODY = 64 * 1024
"""A longer error body is not told."""


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
        kind: type[KalshiError] = getattr(errors, told["kind"])
        if issubclass(kind, UpstreamError):
            return kind(
                told["message"],
                upstream_status=told["upstream_status"],
                upstream_body=told["upstream_body"].encode("latin-1"),
                retry_after_s=told["retry_after_s"],
            )
        if issubclass(kind, KalshiError):
            return kind(told["message"], retry_after_s=told.get("retry_after_s"))
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return KalshiError("A fetch in another process failed, and did not say how.")
