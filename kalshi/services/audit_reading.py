"""The audit log narrowed down: to what somebody may read, to an account, to a kind of event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from kalshi.errors import BadRequest
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


def moment(name: str, text: str) -> datetime:
    """In UTC, where the text names no zone. Raises BadRequest with the name of what was given."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadRequest(
            f"{name} is {text!r}; allowed: a date or time such as 2026-11-21 or 2026-11-21T08:00."
        ) from None


def within(
    events: QuerySet[AuditEvent], since: datetime | None, until: datetime | None
) -> QuerySet[AuditEvent]:
    """Those from `since` on and before `until`; None: no bound."""
    if since is not None:
        events = events.filter(at__gte=since)
    return events if until is None else events.filter(at__lt=until)
