"""Everything that can go wrong, as one tree.

    KalshiError
    ├── ConfigError                 our own set-up is wrong; start-up stops
    │   └── NoCredentials           nothing configured to sign with
    ├── BadRequest                  our validation
    │   └── UpstreamRefused         upstream 400; also an UpstreamError
    ├── Forbidden                   the caller may not see it
    ├── TooManyRequests             the caller's own limit, whatever Kalshi's is
    │   └── ShareTaken              the caller's share of what all callers share
    ├── EndpointOff                 switched off in the admin
    ├── NoRoom                      the answer is too large to be kept until it is sent
    ├── DatabaseUnavailable         nobody can be let in: who asks stands in our database
    └── UpstreamError
        ├── UpstreamUnavailable     network, time-out, 5xx
        │   ├── UpstreamTimeout     no whole answer within the deadline; never retried
        │   ├── NotTheExchange      somebody on the way answered in place of Kalshi; never retried
        │   ├── FunctionFailed      a bug of the request function
        │   └── BreakerOpen         not asked, because it failed again and again
        ├── RateLimited             upstream 429, or our own budget is spent
        │   └── LimitedOnTheWay     a 429 that is not Kalshi's
        ├── AuthRejected            upstream 401 or 403: our key, not the caller
        │   └── TimestampExpired    upstream says our clock is wrong; nothing against the key
        ├── NotFound                upstream 404
        └── UnexpectedPayload       the body is no JSON, or far too large

Class attributes answer all that a caller asks: `status` (HTTP status of our answer), `code` (machine word of
our answer), `retryable` (the same call may succeed a second later) and `stale_ok` (an older copy may be served
instead). Messages are sentences for a person and never contain key material.
"""

from copy import copy


class KalshiError(Exception):
    """Root of the tree. `retry_after_s`: seconds after which asking again makes sense, or None."""

    status = 500
    code = "internal_error"
    retryable = False
    stale_ok = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class ConfigError(KalshiError):
    """A setting or a credential is missing, malformed or unsafe. The message names it and the remedy."""


class NoCredentials(ConfigError):
    """A signed operation was asked for and there is no key to sign with."""

    status = 503
    code = "no_credentials"


class BadRequest(KalshiError):
    """The caller's parameters are not allowed, by us (before any call) or by Kalshi (400)."""

    status = 400
    code = "bad_request"


class Forbidden(KalshiError):
    """The caller is known, and may not see this."""

    status = 403
    code = "forbidden"


class TooManyRequests(KalshiError):
    """The caller asks more often than it may."""

    status = 429
    code = "too_many_requests"


class ShareTaken(TooManyRequests):
    """The caller has its share of seats, threads or costly work already; the rest is for others."""

    stale_ok = True


class EndpointOff(KalshiError):
    """The endpoint is switched off in its settings."""

    status = 503
    code = "endpoint_off"


class NoRoom(KalshiError):
    """The answer is larger than any may be, or there is no room for it now, in memory or on the disk."""

    status = 503
    code = "no_room"


class DatabaseUnavailable(KalshiError):
    """Our database does not answer or cannot be read, so no credential can be checked."""

    status = 503
    code = "database_unavailable"


class UpstreamError(KalshiError):
    """Kalshi answered with something other than data, or did not answer.

    `upstream_status`: the HTTP status received, None when there was no answer. `upstream_body`: the bytes of
    the error body as received, empty when there was none.
    """

    status = 503
    code = "upstream_unavailable"

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int | None = None,
        upstream_body: bytes = b"",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.upstream_status = upstream_status
        self.upstream_body = upstream_body


class UpstreamRefused(UpstreamError, BadRequest):
    """Upstream 400 (and any other 4xx without a class of its own): Kalshi's message is passed on."""

    status = 400
    code = "bad_request"


class UpstreamUnavailable(UpstreamError):
    """Network failure or 5xx."""

    retryable = True
    stale_ok = True


class UpstreamTimeout(UpstreamUnavailable):
    """No whole answer within the deadline. Not retried: the caller has waited long enough."""

    retryable = False


class NotTheExchange(UpstreamUnavailable):
    """A CDN, proxy or firewall answered: a refusal that has none of the shapes of Kalshi's errors."""

    retryable = False


class FunctionFailed(UpstreamUnavailable):
    """The request function raised something that stands for no answer and for no fault of the network."""


class BreakerOpen(UpstreamUnavailable):
    """Kalshi failed several times in a row and is left alone for a while."""

    retryable = False


class RateLimited(UpstreamError):
    """Upstream 429, or our own share of the budget is spent. Not retried inside a request."""

    status = 503
    code = "upstream_rate_limited"
    stale_ok = True


class LimitedOnTheWay(RateLimited):
    """A 429 of somebody between Kalshi and us."""


class AuthRejected(UpstreamError):
    """Upstream 401 or 403: Kalshi refuses our key, signature, clock or scope."""

    status = 502
    code = "upstream_rejected_key"


class TimestampExpired(AuthRejected):
    """401 header_timestamp_expired: our clock and theirs differ, which says nothing against the key.

    `offset_s`: exchange time minus ours as the answer tells it, in seconds; None when it does not.
    """

    stale_ok = True
    offset_s: float | None = None


class NotFound(UpstreamError):
    """Upstream 404."""

    status = 404
    code = "not_found"


class UnexpectedPayload(UpstreamError):
    """The answer is no JSON, is cut short, or is larger than the body cap."""

    status = 502
    code = "upstream_bad_payload"
    stale_ok = True


def to_keep(error: BaseException) -> Exception:
    """A copy of `error` for who keeps it, or raises it in another thread; without traceback, cause and context.

    An exception's traceback holds the frames that it passed, with all that they have read. When one of them leads to
    the exception, that lives on until a full collection, which may be minutes. What cannot be copied, or is no
    Exception, becomes a RuntimeError with its name.
    """
    try:
        kept = copy(error)
    except Exception:  # noqa: BLE001  # a bug's own class may want other arguments than it kept
        kept = None
    return kept if isinstance(kept, Exception) else RuntimeError(f"it was ended by {type(error).__name__}")
