"""Records signing in and out. Of a failed attempt the name that was tried is kept, never the password."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from kalshi.services.audit import Action, record

HOW = "kalshi_signed_in_with"
"""Attribute of the request that signs somebody in: a dict of details for the audit log."""


def watch() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="audit-sign-in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit-sign-out")
    user_login_failed.connect(_failed, dispatch_uid="audit-sign-in-failed")
    if apps.is_installed("axes"):
        from axes.signals import user_locked_out

        user_locked_out.connect(_locked, dispatch_uid="audit-sign-in-locked")


def _signed_in(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    record(
        Action.SIGNED_IN,
        actor=user,
        target=user.get_username(),
        request=request,
        details=getattr(request, HOW, {}),
    )


def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    if user is not None:
        record(Action.SIGNED_OUT, actor=user, target=user.get_username(), request=request)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    # Attempts that are turned away because of earlier ones are not recorded: they would fill the log for nothing.
    if not getattr(request, "axes_locked_out", False) or _was_tried(request):
        record(Action.SIGN_IN_FAILED, actor="", target=str(credentials.get("username", "")), request=request)


def _locked(sender: Any, request: HttpRequest, username: str | None, **_: Any) -> None:
    # Sent again for every attempt while it is locked; only the first is news.
    if _was_tried(request):
        record(Action.SIGN_IN_LOCKED, actor="", target=username or "", request=request)


def _was_tried(request: HttpRequest | None) -> bool:
    """Whether django-axes counted this attempt, which it does not with those that it turns away."""
    return getattr(request, "axes_failures_since_start", None) is not None
