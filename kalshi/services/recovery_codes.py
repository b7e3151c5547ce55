"""The recovery codes of a person: made anew, counted, and spent one by one."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from kalshi.accounts import recovery
from kalshi.models import RecoveryCodes


def replace(user: Any) -> list[str]:
    """New codes, to be shown once, in place of those that were there."""
    codes, salt, cost = recovery.new_codes(), recovery.new_salt(), recovery.COST
    digests = [recovery.digest(code, salt=salt, cost=cost) for code in codes]
    kept = {"salt": salt, "cost": cost, "digests": digests, "throttling_failure_count": 0}
    RecoveryCodes.objects.update_or_create(user=user, defaults=kept)
    return codes


def left(user: Any) -> int:
    """How many are not spent yet."""
    row = RecoveryCodes.objects.filter(user=user).first()
    return 0 if row is None else len(row.digests)


@transaction.atomic
def spend(user: Any, code: str) -> bool:
    """Whether this is one of the codes, which is worthless from then on. A wrong one slows the next attempt down."""
    row = RecoveryCodes.objects.select_for_update().filter(user=user).first()
    if row is None or not row.verify_is_allowed()[0]:
        return False
    digest = recovery.digest(code, salt=row.salt, cost=row.cost)
    if digest not in row.digests:
        row.throttle_increment()
        return False
    row.digests.remove(digest)
    row.throttle_reset()
    return True


def remove(user: Any) -> None:
    RecoveryCodes.objects.filter(user=user).delete()
