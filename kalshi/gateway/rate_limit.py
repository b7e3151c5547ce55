"""What a caller hears of limits: the fields of draft-ietf-httpapi-ratelimit-headers, which Kalshi does not send.

`"key"` is the limit of the caller's own virtual key. `"account"` is the account's read budget at Kalshi, which all
callers share: it is told only when it is spent, since an answer from the cache takes nothing from it.
"""

import math

from kalshi.limits.callers import Taken

POLICY, LIMIT = "RateLimit-Policy", "RateLimit"


def of_key(taken: Taken) -> dict[str, str]:
    """q requests in w seconds; r may come at once now, and in t seconds as many as ever."""
    quota = int(taken.capacity)
    window_s = math.ceil(quota / taken.per_s)
    left, full_in_s = max(0, math.floor(taken.level)), math.ceil(taken.full_in_s)
    return {POLICY: f'"key";q={quota};w={window_s}', LIMIT: f'"key";r={left};t={full_in_s}'}


def of_spent_budget(retry_after_s: float) -> dict[str, str]:
    return {LIMIT: f'"account";r=0;t={math.ceil(retry_after_s)}'}
