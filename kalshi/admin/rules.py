"""What a person may see and change in the admin: one row for each table, all of it asked of `services.access`.

Default deny. A rule answers with a filter of the rows, or with None where the person may do it with no row at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Model, Q, QuerySet

from kalshi.models import Account, ApiToken, AuditEvent, EndpointPolicy, Grant, SeenAddress, VirtualKey
from kalshi.services import access

Rows = Callable[[Any], Q | None]
EVERY = Q()


def nobody(user: Any) -> Q | None:
    return None


def superusers(user: Any) -> Q | None:
    return EVERY if user.is_superuser else None


def operators(user: Any) -> Q | None:
    """Those who may change the settings that all accounts share."""
    return EVERY if access.is_operator(user) else None


def auditors(user: Any) -> Q | None:
    return EVERY if access.may_audit(user) else None


def of_accounts(role: str, path: str) -> Rows:
    """Rows of the accounts for which the person has the role. path: the lookup that leads to the account."""

    def rows(user: Any) -> Q | None:
        if user.is_superuser:
            return EVERY
        held = access.held(user, role)
        return Q(**{f"{path}__in": held.values("pk")}) if held.exists() else None

    return rows


def own_account(user: Any) -> Q | None:
    """Accounts with a key of their own: that of the environment cannot be removed."""
    return Q(from_environment=False) if user.is_superuser else None


def own_tokens(user: Any) -> Q:
    return Q(user_id=user.pk)


def revocable_tokens(user: Any) -> Q | None:
    """All for a superuser; else one's own, and those that open nothing but an account that one owns."""
    if user.is_superuser:
        return EVERY
    return own_tokens(user) | Q(account__in=access.held(user, Grant.Role.OWNER).values("pk"))


def others(user: Any) -> Q | None:
    return ~Q(pk=user.pk) if user.is_superuser else None


@dataclass(frozen=True, slots=True)
class Rule:
    seen: Rows
    added: Rows = nobody
    changed: Rows = nobody
    removed: Rows = nobody


_OPERATOR, _OWNER = Grant.Role.OPERATOR, Grant.Role.OWNER

RULES: dict[type[Model], Rule] = {
    Account: Rule(
        seen=of_accounts(_OPERATOR, "pk"),
        added=superusers,
        changed=of_accounts(_OPERATOR, "pk"),
        removed=own_account,
    ),
    Grant: Rule(
        seen=of_accounts(_OPERATOR, "account"),
        added=of_accounts(_OWNER, "account"),
        changed=of_accounts(_OWNER, "account"),
        removed=of_accounts(_OWNER, "account"),
    ),
    VirtualKey: Rule(
        seen=of_accounts(_OPERATOR, "account"),
        added=of_accounts(_OWNER, "account"),
        changed=of_accounts(_OWNER, "account"),
    ),
    ApiToken: Rule(
        seen=revocable_tokens, added=own_tokens, changed=revocable_tokens, removed=revocable_tokens
    ),
    EndpointPolicy: Rule(seen=operators, changed=operators),
    AuditEvent: Rule(seen=access.audit_events),
    SeenAddress: Rule(seen=auditors),
    get_user_model(): Rule(seen=superusers, added=superusers, changed=superusers, removed=others),
}


def rows(model: type[Model], what: str, user: Any) -> Q | None:
    """Which rows of the table the person may see, add, change or remove; None: none, whatever there is."""
    if not access.may_administer(user):
        return None
    found: Q | None = getattr(RULES[model], what)(user)
    return found


def visible(model: type[Model], user: Any) -> QuerySet[Any]:
    """The rows that the person may see."""
    chosen = rows(model, "seen", user)
    every: QuerySet[Any] = model._default_manager.all()
    return every.none() if chosen is None else every.filter(chosen)


def allows(model: type[Model], what: str, user: Any, row: Any = None) -> bool:
    """Whether the person may do it, to this row; without a row: to some."""
    chosen = rows(model, what, user)
    if chosen is None or row is None or row.pk is None:
        return chosen is not None
    return model._base_manager.filter(chosen, pk=row.pk).exists()
