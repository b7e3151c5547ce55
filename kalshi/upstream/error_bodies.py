"""What Kalshi says when it does not answer with data -> the error tree. Pure.

Four body shapes occur, besides empty and HTML ones from load balancers: {"error": {"code", "message",
"details"}}, the same three keys without "error", {"msg"}, and {"error": "text"}. The HTTP status counts first,
the code second. Bodies are kept in `upstream_body`; those of /exchange/status carry its status even then.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kalshi.errors import (
    AuthRejected,
    NotFound,
    RateLimited,
    TimestampExpired,
    UnexpectedPayload,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from kalshi.upstream import documents

MAX_WORDS = 300
MAX_ERROR_BODY = 64 * 1024
MAX_RETRY_AFTER_S = 60.0
DEFAULT_429_WAIT_S = 1.0


@dataclass(frozen=True)
class ErrorWords:
    """Kalshi's own words, cleaned; empty where it said nothing. An id behind a colon in `code` is cut off."""

    code: str = ""
    message: str = ""
    details: str = ""

    def __str__(self) -> str:
        text = self.message or self.code
        if self.details and self.details != text:
            text = f"{text} ({self.details})" if text else self.details
        return text


def error_words(body: bytes) -> ErrorWords:
    """The words in an error body of any shape; ErrorWords() when it has none."""
    try:
        content = documents.read(body[:MAX_ERROR_BODY])
    except ValueError:
        return ErrorWords()
    if isinstance(content, dict) and isinstance(content.get("error"), dict | str):
        content = content["error"]
    if isinstance(content, str):
        return ErrorWords(message=_clean(content))
    if not isinstance(content, dict):
        return ErrorWords()
    return ErrorWords(
        code=_clean(content.get("code")).partition(":")[0],
        message=_clean(content.get("message")) or _clean(content.get("msg")),
        details=_clean(content.get("details")),
    )


def error_of(status: int, headers: Mapping[str, str], body: bytes, *, secret: str = "") -> UpstreamError:
    """The error for an answer that is not 200. `headers`: lower-case names. `secret` is masked everywhere."""
    body = masked(body[:MAX_ERROR_BODY], secret)
    words = error_words(body)
    kind, sentence = _kind_and_sentence(status, words)
    return kind(
        sentence, upstream_status=status, upstream_body=body, retry_after_s=_retry_after_s(status, headers)
    )


def masked(body: bytes, secret: str) -> bytes:
    """The bytes with every occurrence of `secret`, in any case, replaced by ***."""
    return re.sub(re.escape(secret.encode()), b"***", body, flags=re.IGNORECASE) if secret else body


_REFUSALS: dict[int, tuple[type[UpstreamError], str]] = {
    401: (AuthRejected, "Kalshi refuses our key (401){said}.{hint}"),
    403: (AuthRejected, "Kalshi does not allow our key to read this (403){said}."),
    404: (NotFound, "Kalshi does not know this{said}."),
    429: (RateLimited, "Kalshi's rate limit is reached (429)."),
}
_CLASSES: dict[int, tuple[type[UpstreamError], str]] = {
    3: (UnexpectedPayload, "Kalshi answered with a redirect ({status}), which is not followed."),
    4: (UpstreamRefused, "Kalshi refuses the request ({status}){said}."),
    5: (UpstreamUnavailable, "Kalshi cannot answer now ({status}){said}."),
}


def _kind_and_sentence(status: int, words: ErrorWords) -> tuple[type[UpstreamError], str]:
    if status == 401 and words.code.startswith("header_timestamp_expired"):
        return TimestampExpired, "Kalshi says that our clock is wrong; set the clock of this machine."
    default = (UnexpectedPayload, "Kalshi answered without data ({status}).")
    kind, sentence = _REFUSALS.get(status) or _CLASSES.get(status // 100, default)
    said = f": {words}" if str(words) else ""
    return kind, sentence.format(status=status, said=said, hint=_hint(words))


def _hint(words: ErrorWords) -> str:
    if words.details.startswith("NOT_FOUND"):
        return " The key id is unknown there: revoked, mistyped, or of the other environment (prod, demo)."
    if words.details.startswith("INCORRECT_API_KEY_SIGNATURE"):
        return " The private key does not belong to the key id."
    return ""


def _retry_after_s(status: int, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait. Kalshi sends no Retry-After today; a date instead of seconds is not read."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), MAX_RETRY_AFTER_S)
    return DEFAULT_429_WAIT_S if status == 429 else None


def _clean(value: object) -> str:
    """Upstream text that is fit for a sentence: printable, on one line, short."""
    if not isinstance(value, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in value[: 4 * MAX_WORDS])
    return " ".join(printable.split())[:MAX_WORDS].rstrip(".")
