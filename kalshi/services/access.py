"""Who may see which account, and what they may do with it: the one place that decides.

Default deny. A person's rights come from grants; a superuser is owner of every account. A credential (a bearer token
or a virtual key) can only take away from what its owner may do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from kalshi import conf
from kalshi.errors import Forbidden
from kalshi.models import Account, ApiToken, Grant, VirtualKey

# From the least to the most; each role may do what those before it may.
ROLES: tuple[str, ...] = (Grant.Role.VIEWER, Grant.Role.OPERATOR, Grant.Role.OWNER)

Credential = ApiToken | VirtualKey | None
"""What the caller came with; None: a signed-in session."""


def caller_name(user: Any, credential: Credential) -> str:
    """One name for each credential, so that one bot's share is not that of its owner's others; all sessions of a person
    share one.
    """
    if credential is None:
        return f"person:{user.pk}"
    return f"{type(credential).__name__}:{credential.pk}"


def role(user: Any, account: Account) -> str | None:
    """The user's role for the account, or None. Inactive people have none."""
    if not user.is_active:
        return None
    if user.is_superuser:
        return Grant.Role.OWNER
    return Grant.objects.filter(user_id=user.pk, account=account).values_list("role", flat=True).first()


def may(user: Any, account: Account, needed: str) -> bool:
    """Whether the user's role for the account is `needed` or more."""
    held = role(user, account)
    return held is not None and ROLES.index(held) >= ROLES.index(needed)


@dataclass(frozen=True, slots=True)
class Choice:
    """An account that a caller may choose, and the caller's role for it."""

    account: Account
    role: str

    def document(self) -> dict[str, str]:
        """As `status` shows it. The default account's environment is that of the settings."""
        account = self.account
        environment = conf.setup().environment if account.from_environment else account.environment
        return {"slug": account.slug, "label": account.label, "environment": environment, "role": self.role}


def held(user: Any, needed: str) -> QuerySet[Account]:
    """The accounts, on or off, for which the user's role is `needed` or more."""
    if not user.is_active:
        return Account.objects.none()
    if user.is_superuser:
        return Account.objects.all()
    enough = ROLES[ROLES.index(needed) :]
    return Account.objects.filter(grants__user_id=user.pk, grants__role__in=enough)


def may_administer(user: Any) -> bool:
    """Whether the user may enter the admin: operator or owner of some account."""
    return bool(user.is_active) and (user.is_superuser or held(user, Grant.Role.OPERATOR).exists())


def choices(user: Any, credential: Credential = None) -> list[Choice]:
    """What `accounts` lists, with the roles."""
    held = (
        {}
        if user.is_superuser
        else dict(Grant.objects.filter(user_id=user.pk).values_list("account", "role"))
    )
    return [
        Choice(account, held.get(account.pk, Grant.Role.OWNER if user.is_superuser else Grant.Role.VIEWER))
        for account in accounts(user, credential)
    ]


def accounts(user: Any, credential: Credential = None) -> list[Account]:
    """The accounts, switched on, that the caller may see, by slug."""
    if not user.is_active:
        return []
    rows = Account.objects.filter(enabled=True)
    if not user.is_superuser:
        rows = rows.filter(grants__user_id=user.pk)
    if credential is not None and credential.account_id is not None:
        rows = rows.filter(pk=credential.account_id)
    return list(rows)


def choose(user: Any, credential: Credential, slug: str | None) -> Account:
    """The account that a request is about: the one it names, else the caller's only or default one.

    Raises Forbidden. A name that does not exist and one that was not granted are refused in the same words.
    """
    visible = accounts(user, credential)
    if slug is not None:
        return _named(visible, slug)
    meant = unnamed(visible)
    if meant is not None:
        return meant
    if not visible:
        raise Forbidden("No account was granted to you; an owner can do that in the admin.")
    known = ", ".join(account.slug for account in visible)
    raise Forbidden(f"Name one of your accounts with ?account= or X-Kalshi-Account: {known}.")


def unnamed(visible: list[Account]) -> Account | None:
    """Which of the visible accounts is meant when none is named: the only one, or the default one."""
    if len(visible) == 1:
        return visible[0]
    return next((account for account in visible if account.from_environment), None)


def _named(visible: Iterable[Account], slug: str) -> Account:
    for account in visible:
        if account.slug == slug:
            return account
    raise Forbidden("You may not see this account, or there is none of this name.")


def may_read(credential: Credential, operation: str) -> bool:
    """Whether the credential allows the operation; the account is judged by `choose`."""
    if isinstance(credential, VirtualKey) and credential.operations:
        return operation in credential.operations
    return True


def is_operator(user: Any) -> bool:
    """Whether the user may change the settings that all accounts share: operator of the default account."""
    default = Account.objects.filter(from_environment=True).first()
    return default is not None and may(user, default, Grant.Role.OPERATOR)


def may_watch(user: Any) -> bool:
    """Whether the user may read the metrics, which tell of the whole installation: superusers."""
    return bool(user.is_active and user.is_superuser)


def may_audit(user: Any) -> bool:
    """Whether the user may read the whole audit log, which tells of all accounts and all people: owner of every one."""
    if not user.is_active:
        return False
    owned = Grant.objects.filter(user_id=user.pk, role=Grant.Role.OWNER).values("account_id")
    return user.is_superuser or not Account.objects.exclude(pk__in=owned).exists()


def audit_events(user: Any) -> Q | None:
    """Which rows of the audit log the user may read; None: none.

    The whole log for those who own every account; what one did oneself, and what is about an account of which one is
    operator or owner now, for everybody else who may enter the admin. A person is known by primary key here and an
    account by its `uid`: what is gone is nobody's, and who or what got its name does not inherit its past. Events that
    do not tell the key are shown to nobody as their own.
    """
    if not may_administer(user):
        return None
    if may_audit(user):
        return Q()
    operated = held(user, Grant.Role.OPERATOR)
    return Q(actor_pk=audit_pk(user)) & ~Q(actor_pk="") | Q(account_uid__in=operated.values("uid"))


def audit_pk(user: Any) -> str:
    """How events tell who it was: the text of the primary key, or nothing where there is none, or none that fits."""
    key = str(getattr(user, "pk", None) or "")
    return key if len(key) <= 64 else ""
