"""Names that django-axes turns away for a while, each from one address, because sign-ins failed too often.

Addresses of one /64 of IPv6 are one; django-axes is told the first of them. It is kept from keeping forms: those of
failed attempts hold passwords, new ones among them, and codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.helpers import get_cool_off, get_failure_limit
from axes.models import AccessAttempt
from django.db import transaction
from django.db.models import Max, Q, Sum
from django.db.models.signals import pre_save
from django.http import HttpRequest
from django.utils import timezone

from kalshi.networks import first_address_of, network_of
from kalshi.services.audit import Action, record

MAX_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Locked:
    """attempt: the key of one of its counted failures, by which it is named; name: as it was typed, which need not be
    anybody's; address: or a network; failures: how many were counted; since: the last of them.
    """

    attempt: int
    name: str
    address: str
    failures: int
    since: datetime
    until: datetime


def watch() -> None:
    """Whatever django-axes counts, and whichever way it does, the form is not written."""
    pre_save.connect(_without_form, sender=AccessAttempt, dispatch_uid="failed-attempts-without-form")


def _without_form(sender: Any, instance: AccessAttempt, **_: Any) -> None:
    instance.get_data = instance.post_data = ""


def counted_address(request: HttpRequest) -> str | None:
    """By which django-axes counts; None where there is no IP address."""
    return first_address_of(request.META.get("REMOTE_ADDR", ""))


def locked(request: HttpRequest) -> list[Locked]:
    """What is locked now, the newest first, at most MAX_SHOWN. request: the one of the person who looks."""
    cool_off = get_cool_off(request)
    if cool_off is None:
        return []
    limit, now = get_failure_limit(request, {}), timezone.now()
    counted = AccessAttempt.objects.filter(attempt_time__gt=now - cool_off)
    pairs = (
        counted.order_by()
        .values("username", "ip_address")
        .annotate(failures=Sum("failures_since_start"), since=Max("attempt_time"), attempt=Max("pk"))
        .filter(failures__gte=limit)
        .order_by("-since")[:MAX_SHOWN]
    )
    return [
        Locked(
            attempt=pair["attempt"],
            name=pair["username"] or "",
            address=network_of(pair["ip_address"] or ""),
            failures=pair["failures"],
            since=pair["since"],
            until=_until(counted.filter(_same(pair["username"], pair["ip_address"])), limit, cool_off),
        )
        for pair in pairs
    ]


def open_again(request: HttpRequest, attempt: int) -> Locked | None:
    """Forget the failures of what is locked, so that it may be tried at once; None when it is not locked any more."""
    found = next((one for one in locked(request) if one.attempt == attempt), None)
    row = AccessAttempt.objects.filter(pk=attempt).first()
    if found is None or row is None:
        return None
    with transaction.atomic():
        AccessAttempt.objects.filter(_same(row.username, row.ip_address)).delete()
        record(
            Action.SIGN_IN_OPENED,
            target=found.name,
            request=request,
            details={"locked address": found.address, "failures": found.failures},
        )
    return found


def _same(name: str | None, address: str | None) -> Q:
    return Q(username=name, ip_address=address)


def _until(rows: Iterable[AccessAttempt], limit: int, cool_off: timedelta) -> datetime:
    """Failures with each browser are counted and forgotten by themselves; the lock ends when too few are left."""
    newest_first = sorted(rows, key=lambda row: row.attempt_time, reverse=True)
    failures = 0
    for row in newest_first:
        failures += row.failures_since_start
        if failures >= limit:
            break
    at: datetime = row.attempt_time
    return at + cool_off
