"""The audit log narrowed down: to what somebody may read, to an account, to a kind of event."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from kalshi.models import Account, AuditEvent
from kalshi.services import access


def readable(user: Any) -> QuerySet[AuditEvent]:
    """What the user may read, the latest first."""
    chosen = access.audit_events(user)
    return AuditEvent.objects.none() if chosen is None else AuditEvent.objects.filter(chosen)


def about(events: QuerySet[AuditEvent], slug: str) -> QuerySet[AuditEvent]:
    """Those about the account of this name: of that which has it now, whatever it was called then, and of those that
    had it before.
    """
    named_now = Account.objects.filter(slug=slug).values("uid")
    return events.filter(Q(account=slug) | Q(account_uid__in=named_now))
