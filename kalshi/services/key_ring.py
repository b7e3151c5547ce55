"""The key ring and everything sealed with it, looked at and turned as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from kalshi import conf
from kalshi.accounts import ring as rings
from kalshi.accounts import sealing
from kalshi.accounts.ring import KeyRing, WrongRing
from kalshi.errors import ConfigError
from kalshi.models import Account, PolicyGeneration
from kalshi.services import account_keys


@dataclass(frozen=True, slots=True)
class Held:
    """One sealed key. fault: why it cannot be opened, empty when it can."""

    account: Account
    newest: bool
    fault: str


def sealed_rows() -> list[Account]:
    return list(Account.objects.exclude(sealed_key=""))


def look(setup: conf.Setup) -> list[Held]:
    """Every sealed key with what the ring makes of it. Raises nothing for a ring that is missing or damaged."""
    rows = sealed_rows()
    try:
        ring = account_keys.ring_in_use(setup) if rows else None
    except ConfigError as problem:
        return [Held(row, newest=False, fault=problem.message) for row in rows]
    return [_held(ring, row, setup) for row in rows]


def _held(ring: KeyRing | None, row: Account, setup: conf.Setup) -> Held:
    try:
        account_keys.credentials_of(row, setup)
    except ConfigError as problem:
        return Held(row, newest=False, fault=problem.message)
    return Held(row, newest=ring is not None and ring.is_newest(row.sealed_key), fault="")


def rotate() -> tuple[int, str]:
    """Give a ring that is a file a new first key, and seal every key anew with the first: (how many, the ring's name).

    All or nothing: when one key cannot be opened, neither the ring nor a row changes. The older keys stay in the ring,
    for what else was sealed with them: backups. Raises ConfigError, of which WrongRing is one.
    """
    setup = conf.setup()
    with transaction.atomic():
        rows = list(Account.objects.select_for_update().exclude(sealed_key=""))
        ring = account_keys.ring_to_seal_with(setup)
        for row in rows:
            ring.open(row.sealed_key)
        if not setup.key_ring and setup.key_ring_file is not None:
            ring = rings.add_key(setup.key_ring_file)
        for row in rows:
            anew = sealing.reseal(ring, row.sealed_key)
            if ring.open(anew) != ring.open(row.sealed_key):
                raise WrongRing("A key did not come out of the ring as it went in; nothing was changed.")
            Account.objects.filter(pk=row.pk).update(sealed_key=anew)
        PolicyGeneration.bump()
    return len(rows), ring.source
