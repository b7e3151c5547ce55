"""An answer's freshness as HTTP headers. Pure: no Django, no clock."""

from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions

VARY = "Authorization, Cookie, Origin, X-Kalshi-Account"

MAX_IF_NONE_MATCH = 4096

_FETCHED = {
    "miss": "fwd=miss",
    "refreshed": "fwd=stale",
    "forced": "fwd=request",
}


def cache_status(answer: Answer, options: EndpointOptions, now: float) -> str:
    """The RFC 9211 `Cache-Status` of an answer. `ttl` in whole seconds, negative for a stale copy."""
    if answer.kind == "collapsed":
        return "kalshi; fwd=miss; collapsed"
    if answer.kind in _FETCHED:
        return f"kalshi; {_FETCHED[answer.kind]}" + ("; stored" if answer.stored else "")
    age_s = answer.entry.age_s(now)
    left_s = -1.0 if age_s is None else options.fresh_s - age_s
    # Stale is what ttl < 0 means; a copy past its time by less than a second must say so too. A caller who forced a
    # fetch that takes long may get a copy that is fresh still.
    ttl_s = int(left_s) if left_s > 0 else min(int(left_s), -1)
    if answer.kind == "stale":
        return f"kalshi; hit; ttl={ttl_s}; detail={answer.detail}"
    return f"kalshi; hit; ttl={max(ttl_s, 0)}"


def headers(answer: Answer, options: EndpointOptions, now: float) -> dict[str, str]:
    """Without `Age` when it is unknown; and then nobody on the way may take the answer for new."""
    age_s = answer.entry.age_s(now)
    max_age_s = 0.0 if age_s is None else options.fresh_s
    return {
        **({} if age_s is None else {"Age": str(int(age_s))}),
        "ETag": answer.entry.etag,
        "Cache-Control": f"private, max-age={max_age_s:g}, stale-if-error={options.keep_s:g}",
        "Cache-Status": cache_status(answer, options, now),
        "Vary": VARY,
    }


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison, as `If-None-Match` asks for. `*` matches everything, a list of more than 4 KB nothing."""
    if len(if_none_match) > MAX_IF_NONE_MATCH:
        return False
    candidates = (candidate.strip().removeprefix("W/") for candidate in if_none_match.split(","))
    return any(candidate in {"*", etag} for candidate in candidates)
