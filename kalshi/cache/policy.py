"""How old an answer may be, and what to do when it is older. Pure: no clock, no store.

The policy in force now decides, not the one in force when the entry was stored, so a change in the admin
acts at once on everything cached. Only the keep time is the smaller of the two: the store drops an entry
when the keep time it was stored with is over, and the decision must not depend on whether it has already
done so.
"""

from dataclasses import dataclass
from enum import Enum, auto

from kalshi.cache.entry import Entry

NOT_FOUND_S = 10.0
"""A 404 is fresh, and kept, this long, whatever the endpoint's policy."""
FORCED_INTERVAL_S = 2.0
"""Callers may force at most one fetch per key in this time."""


@dataclass(frozen=True, slots=True)
class Policy:
    """fresh_s <= keep_s, seconds: served without asking / served when Kalshi fails.

    patience_s: how long the caller who starts a fetch waits for it when there is an older copy.
    """

    fresh_s: float
    keep_s: float = 86400.0
    patience_s: float = 1.0


class Action(Enum):
    """SERVE the entry; REFRESH it, it may answer meanwhile; FETCH, there is nothing to answer with."""

    SERVE = auto()
    REFRESH = auto()
    FETCH = auto()


def decide(entry: Entry | None, policy: Policy, now: float, *, forced: bool) -> Action:
    """Choose the action. now: epoch seconds; forced: the caller sent no-cache.

    An entry of unknown age counts as old.
    """
    age_s = None if entry is None else entry.age_s(now)
    if entry is None or not _kept(entry, policy, age_s):
        return Action.FETCH
    fresh_s = NOT_FOUND_S if entry.status == 404 else policy.fresh_s
    limit_s = min(fresh_s, FORCED_INTERVAL_S) if forced else fresh_s
    if age_s is not None and age_s < limit_s:
        return Action.SERVE
    return Action.FETCH if entry.status == 404 else Action.REFRESH


def may_serve_stale(entry: Entry | None, policy: Policy, now: float, error: Exception) -> bool:
    """Whether `entry` may answer in place of `error`: only outages are hidden, and only behind good data."""
    if entry is None or entry.status != 200 or not _kept(entry, policy, entry.age_s(now)):
        return False
    return getattr(error, "stale_ok", False) is True


def stored_times(policy: Policy, status: int) -> tuple[float, float]:
    """(fresh_s, keep_s) to store an answer of this status with."""
    return (NOT_FOUND_S, NOT_FOUND_S) if status == 404 else (policy.fresh_s, policy.keep_s)


def _kept(entry: Entry, policy: Policy, age_s: float | None) -> bool:
    if age_s is None:  # the store, which counts by another clock, drops it in time
        return True
    return age_s < min(NOT_FOUND_S if entry.status == 404 else policy.keep_s, entry.keep_s)
