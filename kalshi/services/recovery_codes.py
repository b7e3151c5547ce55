"""The recovery codes of a person: made anew, counted, and spent one by one.

Wrong ones are not counted here: a stranger who knows the password could shut the owner out. They are too long to be
guessed at the pace at which an address may try (kalshi.views.attempts).
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from kalshi.accounts import recovery
from kalshi.models import RecoveryCodes


def replace(user: Any) -> list[str]:
    """New codes, to be shown once, in place of those that were there."""
    codes, salt, cost = recovery.new_codes(), recovery.new_salt(), recovery.COST
    digests = [recovery.digest(code, salt=salt, cost=cost) for code in codes]
    kept = {"salt": salt, "cost": cost, "digests": digests}
    RecoveryCodes.objects.update_or_create(user=user, defaults=kept)
    return codes


def left(user: Any) -> int:
    """How many are not spent yet."""
    row = RecoveryCodes.objects.filter(user=user).first()
    return 0 if row is None else len(row.digests)


def spend(user: Any, code: str) -> bool:
    """Whether this is one of the codes, which is worthless from then on."""
    row = RecoveryCodes.objects.filter(user=user).first()
    if row is None:
        return False
    digest = recovery.digest(code, salt=row.salt, cost=row.cost)  # takes a while, so no row is locked yet
    return digest in row.digests and _take_out(user, digest)


@transaction.atomic
def _take_out(user: Any, digest: str) -> bool:
    """Of several who spend one code at once, one does."""
    row = RecoveryCodes.objects.select_for_update().filter(user=user).first()
    if row is None or digest not in row.digests:
        return False
    row.digests.remove(digest)
    row.save(update_fields=["digests"])
    return True


def remove(user: Any) -> None:
    RecoveryCodes.objects.filter(user=user).delete()
