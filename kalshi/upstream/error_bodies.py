"""What Kalshi says when it does not answer with data -> the error tree. Pure.

Four body shapes occur: {"error": {"code", "message", "details"}}, the same three keys without "error", {"msg"}, and
{"error": "text"}. The HTTP status counts first, the code second. A refusal (4xx) with any other body is not Kalshi's:
a CDN, a proxy or a firewall answered, and what it says of keys or tickers counts for nothing. Bodies are kept in
`upstream_body`; those of /exchange/status carry its status even then.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kalshi.errors import (
    AuthRejected,
    LimitedOnTheWay,
    NotFound,
    NotTheExchange,
    RateLimited,
    TimestampExpired,
    UnexpectedPayload,
    UpstreamError,
    UpstreamRefused,
    UpstreamUnavailable,
)
from kalshi.upstream import documents
from kalshi.upstream.masking import masked

MAX_WORDS = 300
MAX_ERROR_BODY = 64 * 1024
LONGEST_SECRET = 8 * 1024
"""In whatever spelling: one that the limit of a body would cut is masked as a whole."""
MAX_SEEN_BYTES = 4096
MAX_SEEN_WORDS = 80
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


_WORDS_OF_ERRORS = frozenset({"code", "details", "message", "msg", "service", "status"})


def error_words(body: bytes) -> ErrorWords:
    """The words in an error body of any shape, Kalshi's or not; ErrorWords() when it has none."""
    content = _parsed(body)
    if (words := words_of(content)) is not None:
        return words
    for part in (content.get("error"), content) if isinstance(content, dict) else ():
        if isinstance(part, dict) and (message := cleaned(part.get("message"))):
            return ErrorWords(message=message, details=cleaned(part.get("details")))
    return ErrorWords()


def is_error(content: dict[str, object]) -> bool:
    """Whether an object under 200, without what its operation promises, is an error: Kalshi's, or that of a proxy with
    numbers for codes. One that has other data beside a message is not: Kalshi may have renamed a field.
    """
    if words_of(content) is not None or content.get("error") not in (None, False):
        return True
    return "message" in content and ("code" in content or content.keys() <= _WORDS_OF_ERRORS)


def error_under_200(body: bytes, *, secrets: Iterable[str]) -> UnexpectedPayload:
    """What such an object stands for."""
    words = error_words(_without(body, secrets))
    said = f": {words}" if str(words) else ""
    return UnexpectedPayload(f"Kalshi answered 200 with an error{said}.", upstream_status=200)


def words_of(content: object) -> ErrorWords | None:
    """The words of a parsed body that has one of the shapes of Kalshi's errors; None for any other."""
    if not isinstance(content, dict):
        return None
    error = content.get("error", content)
    if isinstance(error, str):
        return ErrorWords(message=cleaned(error))
    if not isinstance(error, dict):
        return None
    if isinstance(error.get("code"), str):
        code = cleaned(error["code"]).partition(":")[0]
        return ErrorWords(code, cleaned(error.get("message")), cleaned(error.get("details")))
    if error is content and "code" not in content and isinstance(content.get("msg"), str):
        return ErrorWords(message=cleaned(content["msg"]))
    return None


def error_of(
    status: int, headers: Mapping[str, str], body: bytes | None, *, secrets: Iterable[str] = ()
) -> UpstreamError:
    """The error for an answer that is not 200. `headers`: lower-case names. `secrets` are masked everywhere.

    body: None when only the status is known, which then counts as Kalshi's.
    """
    known = _without(body or b"", secrets)
    words = ErrorWords() if body is None else words_of(_parsed(known))
    kind, sentence = _kind_and_sentence(status, words, known)
    return kind(
        sentence, upstream_status=status, upstream_body=known, retry_after_s=_retry_after_s(status, headers)
    )


def _without(body: bytes, secrets: Iterable[str]) -> bytes:
    """The first MAX_ERROR_BODY bytes, without the secrets."""
    return masked(body[: MAX_ERROR_BODY + LONGEST_SECRET], secrets)[:MAX_ERROR_BODY]


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


# What no operation of Kalshi answers, whatever the body looks like.
_ON_THE_WAY = frozenset({407, 408, 421, 425, 451})


def _kind_and_sentence(status: int, words: ErrorWords | None, body: bytes) -> tuple[type[UpstreamError], str]:
    """`words`: None when the body has none of Kalshi's shapes."""
    if status // 100 == 4 and (words is None or status in _ON_THE_WAY):
        sentence = f"Something on the way to Kalshi answered in its place ({status}, {_seen(body, words)})."
        return LimitedOnTheWay if status == 429 else NotTheExchange, sentence
    words = words or ErrorWords()
    if status == 401 and words.code.startswith("header_timestamp_expired"):
        return TimestampExpired, "Kalshi says that our clock is wrong; set the clock of this machine."
    default = (UnexpectedPayload, "Kalshi answered without data ({status}).")
    kind, sentence = _REFUSALS.get(status) or _CLASSES.get(status // 100, default)
    said = f": {words}" if str(words) else ""
    return kind, sentence.format(status=status, said=said, hint=_hint(words))


def _seen(body: bytes, words: ErrorWords | None) -> str:
    """What kind of body it was, and its first words. Long words are left out: they may be our signature."""
    text = body[:MAX_SEEN_BYTES].decode("utf-8", "replace").strip()
    if not text:
        return "no body"
    if words is not None:
        return _quoted("JSON", str(words))
    if text.startswith(("{", "[")):
        return "JSON unlike Kalshi's"
    if not text.startswith("<"):
        return _quoted("text", text)
    title = re.search(r"<title[^<>]{0,100}>([^<]{1,300})", text, re.IGNORECASE)
    return _quoted("an HTML page", title[1] if title else "")


def _quoted(what: str, text: str) -> str:
    words = re.sub(r"[^\s]{25,}", "***", cleaned(text))[:MAX_SEEN_WORDS].strip()
    return f'{what}: "{words}"' if words else what


def _parsed(body: bytes) -> object:
    """The parsed body; None when it is no JSON or longer than an error is."""
    try:
        return documents.read(body[:MAX_ERROR_BODY])
    except ValueError:
        return None


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


def cleaned(value: object) -> str:
    """Upstream text that is fit for a sentence: printable, on one line, short."""
    if not isinstance(value, str):
        return ""
    printable = "".join(char if char.isprintable() else " " for char in value[: 4 * MAX_WORDS])
    return " ".join(printable.split())[:MAX_WORDS].rstrip(".")
