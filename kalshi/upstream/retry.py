"""When to ask again, and whether it is worth it. Pure arithmetic in seconds; chance and time are parameters."""

from dataclasses import dataclass

WORTHWHILE_S = 1.0
"""A retry that would have less than this left to be answered is not made."""


@dataclass(frozen=True)
class RetryPolicy:
    """`delays_s`: one per retry. `total_s` bounds the whole call, `admit_s` each wait for rate budget."""

    delays_s: tuple[float, ...] = (1.0, 2.0, 4.0)
    total_s: float = 15.0
    admit_s: float = 5.0


FOREGROUND = RetryPolicy()
BACKGROUND = RetryPolicy(total_s=60.0, admit_s=60.0)
LEARNING = RetryPolicy(total_s=150.0, admit_s=120.0)
"""Of the account's limits: stands in line with persons, who wait for seconds, and so always has its turn."""


def delay_s(policy: RetryPolicy, retries_made: int, elapsed_s: float, chance: float) -> float | None:
    """Seconds to wait before the next retry, or None for "give up".

    `chance` in [0, 1) spreads the delay by 20 % either way, so that many callers do not come back as one.
    """
    if retries_made >= len(policy.delays_s):
        return None
    wait_s = policy.delays_s[retries_made] * (0.8 + 0.4 * chance)
    return wait_s if elapsed_s + wait_s + WORTHWHILE_S <= policy.total_s else None


def attempt_deadline_s(policy: RetryPolicy, timeout_s: float, elapsed_s: float) -> float:
    """Seconds that the next attempt may take. A time-out longer than the total is what somebody asked for."""
    total_s = max(policy.total_s, timeout_s)
    return max(WORTHWHILE_S, min(timeout_s, total_s - elapsed_s))
