"""What the first page shows: accounts, keys that were used, and what happened last."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from kalshi.admin import marks, rules
from kalshi.admin.audit import action_name
from kalshi.models import Account, AuditEvent, VirtualKey
from kalshi.services import virtual_keys

MAX_ACCOUNTS, MAX_KEYS, MAX_EVENTS = 12, 6, 10


def overview(request: HttpRequest) -> dict[str, Any]:
    """For the template of the first page; only what the person may see."""
    user: Any = request.user
    accounts = rules.visible(Account, user)
    keys = rules.visible(VirtualKey, user)
    counted = accounts.annotate(
        people=Count("grants", distinct=True),
        keys=Count("virtual_keys", filter=Q(virtual_keys__revoked_at=None), distinct=True),
    )
    now = timezone.now()
    good = keys.filter(blocked=False, revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))
    used = keys.exclude(last_used_at=None).select_related("user", "account").order_by("-last_used_at")
    events = rules.visible(AuditEvent, user)
    return {
        "title": "Overview",
        "accounts": [
            (account, marks.environment(account), marks.switched(account.enabled))
            for account in counted.order_by("slug")[:MAX_ACCOUNTS]
        ],
        "figures": (
            ("Accounts", accounts.count(), "kalshi_account_changelist"),
            ("Good keys", good.count(), "kalshi_virtualkey_changelist"),
            ("Keys used in the last day", used.filter(last_used_at__gt=now - timedelta(days=1)).count(), ""),
        ),
        "used_keys": [(key, virtual_keys.state(key)) for key in used[:MAX_KEYS]],
        "events": [(event, action_name(event)) for event in events[:MAX_EVENTS]],
    }
