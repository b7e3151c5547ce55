"""The key ring and everything sealed with it, looked at and turned as a whole."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from kalshi import conf
from kalshi.accounts import ring as rings
from kalshi.accounts import sealing
from kalshi.accounts.ring import KeyRing, WrongRing
from kalshi.accounts.totp import PLAIN, plain_key
from kalshi.errors import ConfigError
from kalshi.models import Account, Authenticator, PolicyGeneration
from kalshi.services import account_keys, authenticator_keys, sealing_ring
from kalshi.services.audit import Action, record

UNSEALED = (
    "Set KALSHI_KEY_RING, or KEY_RING_FILE in settings.KALSHI, or put back the ring that was there; then run "
    "manage.py rotate_key_ring."
)

log = logging.getLogger("kalshi.key_ring")


@dataclass(frozen=True, slots=True)
class Held:
    """The key of an account, or of an authenticator app. fault: why it cannot be opened, empty when it can."""

    row: Account | Authenticator
    newest: bool
    fault: str

    @property
    def name(self) -> str:
        return self.row.slug if isinstance(self.row, Account) else f"second factor of {self.row.user}"

    @property
    def sealed(self) -> bool:
        return not self.row.sealed_key.startswith(PLAIN)


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many keys of accounts and of second factors were sealed anew. source: the ring's name."""

    accounts: int
    second_factors: int
    source: str


def look(setup: conf.Setup) -> list[Held]:
    """Every key with what the ring makes of it. Raises nothing for a ring that is missing or damaged."""
    rows = [
        *Account.objects.exclude(sealed_key=""),
        *Authenticator.objects.select_related("user").order_by("user__username"),
    ]
    try:
        ring = sealing_ring.in_use(setup) if rows else None
    except ConfigError as problem:
        return [Held(row, newest=False, fault=problem.message) for row in rows]
    return [_held(ring, row, setup) for row in rows]


def _held(ring: KeyRing | None, row: Account | Authenticator, setup: conf.Setup) -> Held:
    try:
        if isinstance(row, Account):
            account_keys.credentials_of(row, setup)
        else:
            authenticator_keys.opened(row, setup)
    except ConfigError as problem:
        return Held(row, newest=False, fault=problem.message)
    return Held(row, newest=ring is not None and ring.is_newest(row.sealed_key), fault="")


def rotate() -> Rotated:
    """Give a ring that is a file a new first key, and seal every key anew with the first.

    All or nothing: when one key cannot be opened, neither the ring nor a row changes. The older keys stay in the ring,
    for what else was sealed with them: backups. Raises ConfigError, of which WrongRing is one.
    """
    setup = conf.setup()
    with transaction.atomic():
        accounts = list(Account.objects.select_for_update().exclude(sealed_key=""))
        devices = list(Authenticator.objects.select_for_update())
        sealed = [*accounts, *(device for device in devices if plain_key(device.sealed_key) is None)]
        ring = sealing_ring.to_seal_with(setup)
        for row in sealed:
            ring.open(row.sealed_key)
        if not setup.key_ring and setup.key_ring_file is not None:
            ring = rings.add_key(setup.key_ring_file)
        for row in sealed:
            _seal_anew(ring, row)
        _seal_plain(ring, devices)
        PolicyGeneration.bump()
        details = {"accounts": len(accounts), "second factors": len(devices)}
        record(Action.KEY_RING_ROTATED, target="key ring", details=details)
    return Rotated(len(accounts), len(devices), ring.source)


def _seal_anew(ring: KeyRing, row: Account | Authenticator) -> None:
    anew = sealing.reseal(ring, row.sealed_key)
    if ring.open(anew) != ring.open(row.sealed_key):
        raise WrongRing("A key did not come out of the ring as it went in; nothing was changed.")
    type(row)._base_manager.filter(pk=row.pk).update(sealed_key=anew)


def _seal_plain(ring: KeyRing, devices: list[Authenticator]) -> None:
    for device in devices:
        key = plain_key(device.sealed_key)
        if key is not None:
            authenticator_keys.seal(device, key, ring)
            Authenticator.objects.filter(pk=device.pk).update(sealed_key=device.sealed_key)


def seal_what_is_plain() -> None:
    """Seal the keys that an earlier version kept readable. Where there is no ring to do it with, they stay, and the log
    says what to do.
    """
    with transaction.atomic():
        devices = list(Authenticator.objects.select_for_update().filter(sealed_key__startswith=PLAIN))
        if not devices:
            return
        try:
            ring = sealing_ring.to_seal_with(conf.setup())
        except (ConfigError, ImproperlyConfigured, OSError) as problem:
            log.warning(
                "%d second factors stand unsealed in the database. %s %s", len(devices), problem, UNSEALED
            )
            return
        _seal_plain(ring, devices)
