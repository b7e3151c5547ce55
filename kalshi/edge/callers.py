"""Who was let in a moment ago: credential checks that need not be repeated yet. Bounded, in this process only."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save

from kalshi.models import ApiToken

REMEMBERED_S = 2.0
# Of a credential in steady use, one request goes to be checked this long before the last check counts no more:
# without it, all that arrive while the next check runs would be checked, dozens at a time.
EARLY_S = 0.5
MAX_CALLERS = 10_000

# The value of the Authorization header and of the Cookie header, as sent.
Credential = tuple[bytes | None, bytes | None]


class Callers:
    """Used by the event loop alone, but for `forget_all`, which any thread may call. Times are monotonic seconds."""

    def __init__(self, *, remembered_s: float = REMEMBERED_S, most: int = MAX_CALLERS) -> None:
        self._remembered_s = remembered_s
        self._most = most
        self._checked_at: OrderedDict[Credential, float] = OrderedDict()
        self._renewing: dict[Credential, float] = {}
        self._forgotten_at = 0.0

    def let_in(self, credential: Credential, checked_at: float) -> None:
        """Remember a check. checked_at: when it began, since what it saw may have changed right after."""
        self._checked_at[credential] = checked_at
        self._checked_at.move_to_end(credential)
        self._renewing.pop(credential, None)
        if len(self._checked_at) > self._most:
            dropped, _ = self._checked_at.popitem(last=False)
            self._renewing.pop(dropped, None)

    def knows(self, credential: Credential, now: float) -> bool:
        checked_at = self._checked_at.get(credential)
        return (
            checked_at is not None
            and now - checked_at < self._remembered_s
            and checked_at > self._forgotten_at
        )

    def is_due(self, credential: Credential, now: float) -> bool:
        """Whether this request should be checked although the last check still counts. Once for each check."""
        checked_at = self._checked_at[credential]
        if now - checked_at < self._remembered_s - EARLY_S or self._renewing.get(credential) == checked_at:
            return False
        self._renewing[credential] = checked_at
        return True

    def forget_all(self, now: float) -> None:
        """Nothing that was checked until now counts any more: somebody signed out, or a token changed.

        Only sets a number, so that no lock is needed between the threads and the event loop.
        """
        self._forgotten_at = now

    def watch(self) -> None:
        """Forget everybody whenever this process sees a sign-out, or a change of a token or a person."""
        user_logged_out.connect(self._on_change, weak=False)
        for model in (ApiToken, get_user_model()):
            post_delete.connect(self._on_change, sender=model, weak=False)
            post_save.connect(self._on_change, sender=model, weak=False)

    def _on_change(self, **_: Any) -> None:
        self.forget_all(time.monotonic())
