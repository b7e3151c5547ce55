"""Tells when a token or key is used from an address that it was not used from before.

Addresses of one /64 of IPv6 are one: a caller has as many of them as they like, and each would be a row.
"""

from __future__ import annotations

import logging
import threading
import time

from django.db import DatabaseError
from django.utils import timezone

from kalshi.byte_table import ByteTable, size_of
from kalshi.models import SeenAddress, VirtualKey
from kalshi.networks import first_address_of
from kalshi.services.audit import Action, record
from kalshi.services.credential_names import Credential, credential_id, credential_name

# A pair that this process knows costs a look into a dictionary; the row's time of last use is written this often.
REMEMBERED_S = 3600.0
REMEMBERED_BYTES = 4 * 2**20
MAX_ADDRESSES = 1_000
"""Rows for one credential; the one unused for longest makes room. The audit log keeps what it told."""

log = logging.getLogger("kalshi.audit")

_lock = threading.Lock()
_noted: ByteTable[tuple[str, str], float] = ByteTable(REMEMBERED_BYTES)


def note_use(credential: Credential, address: str | None) -> None:
    """Remember the use, and record it in the audit log if the address is new.

    Never raises: a database that fails here must not refuse the caller; it is noted with the next use then. Requests
    that the edge answers are not noted: Django checked the same credential within two seconds before, but perhaps from
    another address.
    """
    counted = first_address_of(address or "")
    pair = (_key(credential), counted or "")
    if counted is None or _is_known(pair, time.monotonic()):
        return
    try:
        _write(credential, *pair, address or "")
    except DatabaseError as problem:
        forget(pair)
        log.warning("the use of a credential could not be noted (%s)", type(problem).__name__)


def forget(pair: tuple[str, str] | None = None) -> None:
    """Forget one pair, or all."""
    with _lock:
        if pair is None:
            _noted.clear()
        else:
            _noted.pop(pair)


def _is_known(pair: tuple[str, str], now: float) -> bool:
    """Whether the pair was noted within the last hour. If not, it is from now on, so that one thread writes."""
    noted_at = _noted.get(pair)
    if noted_at is not None and now - noted_at < REMEMBERED_S:
        return True
    with _lock:
        noted_at = _noted.get(pair)
        if noted_at is not None and now - noted_at < REMEMBERED_S:
            return True
        _noted.put(pair, now, size_of(pair, now))
    return False


def _key(credential: Credential) -> str:
    """What stands in `SeenAddress.credential`."""
    return f"{'key' if isinstance(credential, VirtualKey) else 'token'}:{credential_id(credential)}"


def _write(credential: Credential, key: str, counted: str, address: str) -> None:
    row, is_new = SeenAddress.objects.get_or_create(credential=key, address=counted)
    if not is_new:
        SeenAddress.objects.filter(pk=row.pk).update(last_seen_at=timezone.now())
        return
    kind = "virtual key" if isinstance(credential, VirtualKey) else "token"
    record(
        Action.NEW_ADDRESS,
        actor=credential.user,
        target=credential_name(credential),
        account=credential.account,
        address=address,
        details={"credential": kind},
    )
    surplus = SeenAddress.objects.filter(credential=key)[MAX_ADDRESSES:]
    SeenAddress.objects.filter(pk__in=[row.pk for row in surplus]).delete()
