"""Ends what somebody is signed in with: sessions of all browsers, half-finished sign-ins, sign-in links, and by choice
tokens and keys.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.signals import post_save
from django.utils import timezone

from kalshi.models import ApiToken, SignInCode, VirtualKey
from kalshi.services import first_step
from kalshi.services.audit import Action, record


def watch() -> None:
    """Whoever is switched off is not signed in when they are switched on again."""
    post_save.connect(_saved, sender=settings.AUTH_USER_MODEL, dispatch_uid="end-sessions-of-switched-off")


def _saved(sender: Any, instance: Any, created: bool, raw: bool, **_: Any) -> None:
    if not (instance.is_active or created or raw):
        end_sessions(instance)


def sign_out_everywhere(user: Any, *, credentials: bool = False) -> None:
    """In force in every process within two seconds. credentials: revoke all tokens and virtual keys too."""
    end_sessions(user)
    if credentials:
        ApiToken.objects.filter(user=user).delete()
        for key in VirtualKey.objects.filter(user=user, revoked_at=None):
            key.revoked_at = timezone.now()
            key.save(update_fields=["revoked_at"])
    record(Action.SIGNED_OUT_EVERYWHERE, target=user.get_username(), details={"tokens and keys": credentials})


def end_sessions(user: Any, *, but: str | None = None) -> None:
    """Delete the user's sessions, except the one with the key `but`, half-finished sign-ins among them, and make open
    sign-in links worthless.

    Sessions stand in the database by their key alone, so all that are valid are looked through: some 30 µs each.
    """
    now = timezone.now()
    theirs = [
        row.session_key
        for row in Session.objects.filter(expire_date__gt=now).iterator()
        if row.session_key != but and _is_of(row.get_decoded(), str(user.pk))
    ]
    Session.objects.filter(session_key__in=theirs).delete()
    SignInCode.objects.filter(user=user, used_at=None).update(used_at=now)


def _is_of(session: dict[str, Any], user_pk: str) -> bool:
    return user_pk in {session.get(SESSION_KEY), first_step.user_pk(session)}
