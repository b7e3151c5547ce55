"""A sign-in that is half finished: somebody gave the password or spent a link, and owes the code.

It stands in a session that is nobody's and opens nothing. It ends after VALID_S; with a new password, other rights or
a switched-off person; and with their sessions, when those are ended (kalshi.services.signed_in).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

KEY = "kalshi_first_step"
VALID_S = 300


@dataclass(frozen=True, slots=True)
class FirstStep:
    """how: "password" or "link"; target: where the person wanted to go."""

    user: Any
    how: str
    target: str


def take(request: HttpRequest, user: Any, how: str, target: str) -> None:
    """Begin a session that is nobody's."""
    request.session.flush()
    request.session.set_expiry(VALID_S)
    request.session[KEY] = {
        "user": str(user.pk),
        "bound": _bound_to(user),
        "with": how,
        "target": target,
        "at": time.time(),
    }


def taken(request: HttpRequest) -> FirstStep | None:
    """None when there is none, or none any more."""
    half = request.session.get(KEY)
    if half is None or not 0 <= time.time() - half["at"] < VALID_S:
        return None
    user: Any = get_user_model().objects.filter(pk=half["user"], is_active=True).first()
    if user is None or half["bound"] != _bound_to(user):
        return None
    return FirstStep(user, half["with"], half["target"])


def user_pk(session: Mapping[str, Any]) -> str | None:
    """Whose half-finished sign-in the contents of a session are."""
    half = session.get(KEY)
    return None if half is None else half["user"]


def _bound_to(user: Any) -> list[Any]:
    return [user.get_session_auth_hash(), user.is_staff, user.is_superuser]
