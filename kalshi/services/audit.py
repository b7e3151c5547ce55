"""Writes the audit log: what happened, by whom, to what and from where.

Rows of other tables are recorded by `audit_rows`, signing in and out by `audit_sign_in`, both through signals, so that
the admin, commands and the shell are covered alike. What `QuerySet.update` and bulk inserts do is not seen.
"""

from __future__ import annotations

import ipaddress
import sys
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from django.db.models import TextChoices
from django.http import HttpRequest

from kalshi.models import Account, AuditEvent
from kalshi.request_id import REQUEST_ID
from kalshi.services import access

CALLER: ContextVar[HttpRequest | None] = ContextVar("kalshi_audit_caller", default=None)
"""The request that is being answered; None in commands and in the shell."""


class Action(TextChoices):
    """Everything that is recorded. The values stand in the database and in exports: they are never renamed."""

    SIGNED_IN = "sign-in", "signed in"
    SIGN_IN_FAILED = "sign-in-failed", "sign-in failed"
    SIGN_IN_LOCKED = "sign-in-locked", "sign-in locked after failures"
    SIGN_IN_OPENED = "sign-in-opened", "locked sign-in opened again"
    SIGNED_OUT = "sign-out", "signed out"
    SIGNED_OUT_EVERYWHERE = "sign-out-everywhere", "signed out everywhere"
    SECOND_FACTOR_ADDED = "second-factor-added", "second factor added"
    SECOND_FACTOR_REMOVED = "second-factor-removed", "second factor removed"
    SECOND_FACTOR_FAILED = "second-factor-failed", "second factor failed"
    RECOVERY_CODES_MADE = "recovery-codes-made", "recovery codes made"
    RECOVERY_CODE_USED = "recovery-code-used", "recovery code used"
    PASSWORD_CHANGED = "password-changed", "password changed"
    PERSON_ADDED = "person-added", "person added"
    PERSON_CHANGED = "person-changed", "person changed"
    PERSON_REMOVED = "person-removed", "person removed"
    GRANT_GIVEN = "grant-given", "grant given"
    GRANT_CHANGED = "grant-changed", "grant changed"
    GRANT_TAKEN = "grant-taken", "grant taken"
    ACCOUNT_ADDED = "account-added", "account added"
    ACCOUNT_CHANGED = "account-changed", "account changed"
    ACCOUNT_REMOVED = "account-removed", "account removed"
    ACCOUNT_TESTED = "account-tested", "account tested"
    KEY_RING_ROTATED = "key-ring-rotated", "key ring rotated"
    TOKEN_MADE = "token-made", "token made"
    TOKEN_CHANGED = "token-changed", "token changed"
    TOKEN_REVOKED = "token-revoked", "token revoked"
    KEY_MADE = "key-made", "virtual key made"
    KEY_CHANGED = "key-changed", "virtual key changed"
    KEY_BLOCKED = "key-blocked", "virtual key blocked"
    KEY_UNBLOCKED = "key-unblocked", "virtual key unblocked"
    KEY_REVOKED = "key-revoked", "virtual key revoked"
    ENDPOINT_CHANGED = "endpoint-changed", "endpoint settings changed"
    CACHE_PURGED = "cache-purged", "cache purged"
    NEW_ADDRESS = "new-address", "credential used from a new address"


def record(
    action: Action,
    *,
    actor: Any = None,
    target: str = "",
    account: Account | None = None,
    request: HttpRequest | None = None,
    address: str | None = None,
    details: dict[str, Any] | None = None,
) -> AuditEvent:
    """Add one row. `details` must fit JSON and hold no secret.

    actor: a user, or "" for nobody; None takes the signed-in caller of the current request. account: the one that it is
    about, whose operators may see it; details must tell them nothing of other accounts. request and address default to
    those of the current request. Too long texts are cut to their columns.
    """
    request = request or CALLER.get()
    actor = actor if actor is not None else getattr(request, "user", None)
    return AuditEvent.objects.create(
        action=action,
        actor=_name(actor)[:150],
        actor_pk=access.audit_pk(actor),
        target=target[:200],
        account="" if account is None else account.slug,
        account_uid=None if account is None else account.uid,
        address=plain_address(address) if address is not None else address_of(request),
        request_id="" if REQUEST_ID.get() == "-" else REQUEST_ID.get(),
        details=(details or {}) | ({} if request is not None else _via()),
    )


def _via() -> dict[str, str]:
    """The command that runs, where no request is being answered."""
    program, *rest = sys.argv or [""]
    return {"via": " ".join(["manage.py", *rest[:1]])} if Path(program).name == "manage.py" else {}


def _name(actor: Any) -> str:
    return actor if isinstance(actor, str) else actor.get_username() if actor is not None else ""


def address_of(request: HttpRequest | None) -> str | None:
    """The caller's address as the server or a trusted proxy tells it; None where it is no IP address."""
    return plain_address(request.META.get("REMOTE_ADDR", "")) if request is not None else None


def plain_address(text: str) -> str | None:
    """One spelling for one address: an IPv4 address on a socket of both families is IPv4."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
