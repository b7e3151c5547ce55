"""Who was let in a moment ago: credential checks that need not be repeated yet. Bounded, in this process only."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save

from kalshi.byte_table import ByteTable, size_of
from kalshi.edge.question import Caller
from kalshi.models import Account, ApiToken, Grant, VirtualKey

REMEMBERED_S = 2.0
# Of a credential in steady use, one request goes to be checked this long before the last check counts no more:
# without it, all that arrive while the next check runs would be checked, dozens at a time.
EARLY_S = 0.5
CALLERS_BYTES = 16 * 2**20
CALLER_BYTES = 200
"""What a caller costs besides credential and address."""


class Callers:
    """Used by the event loop alone, but for `forget_all`, which any thread may call. Times are monotonic seconds."""

    def __init__(self, *, remembered_s: float = REMEMBERED_S, max_bytes: int = CALLERS_BYTES) -> None:
        self._remembered_s = remembered_s
        self._checked: ByteTable[Caller, tuple[float, str, str]] = ByteTable(max_bytes)
        self._renewing: dict[Caller, float] = {}
        self._forgotten_at = 0.0

    def let_in(self, caller: Caller, identity: str, checked_at: float, name: str) -> None:
        """Remember a check: for this caller Kalshi is asked as this identity. checked_at: when it began, since what it
        saw may have changed right after; name: of the credential, however it was sent.

        Nothing happens when a later check is remembered: answers that waited for Kalshi come out of turn.
        """
        last = self._checked.get(caller)
        if last is not None and checked_at < last[0]:
            return
        gone = self._checked.put(caller, (checked_at, identity, name), size_of(caller) + CALLER_BYTES)
        for each in (caller, *gone):
            self._renewing.pop(each, None)

    def identity(self, caller: Caller, now: float) -> str | None:
        """As whom Kalshi is asked for the caller; None when the last check counts no more, or there was none."""
        checked = self._checked.get(caller)
        if checked is None:
            return None
        checked_at, identity, _ = checked
        if now - checked_at < self._remembered_s and checked_at > self._forgotten_at:
            return identity
        return None

    def last_identity(self, caller: Caller) -> str | None:
        """What the last check found, whether or not that counts still."""
        checked = self._checked.get(caller)
        return None if checked is None else checked[1]

    def name(self, caller: Caller) -> str:
        """Of the credential of a caller who was let in, as it stands in our tables."""
        return self._checked[caller][2]

    def is_due(self, caller: Caller, now: float) -> bool:
        """Whether this request should be checked although the last check still counts. Once for each check."""
        checked_at, _, _ = self._checked[caller]
        if now - checked_at < self._remembered_s - EARLY_S or self._renewing.get(caller) == checked_at:
            return False
        self._renewing[caller] = checked_at
        return True

    def forget(self, caller: Caller) -> None:
        """Django refused the caller just now: an earlier check, though it would count still, is overtaken."""
        self._checked.pop(caller)
        self._renewing.pop(caller, None)

    def forget_all(self, now: float) -> None:
        """Nothing that was checked until now counts any more: somebody signed out, or rights changed.

        Only sets a number, so that no lock is needed between the threads and the event loop.
        """
        self._forgotten_at = now

    def watch(self) -> None:
        """Forget everybody whenever this process sees a sign-out, or a change of a token, a person, an account or a
        grant.
        """
        user_logged_out.connect(self._on_change, weak=False)
        for model in (ApiToken, VirtualKey, get_user_model(), Account, Grant):
            post_delete.connect(self._on_change, sender=model, weak=False)
            post_save.connect(self._on_change, sender=model, weak=False)

    def _on_change(self, **_: Any) -> None:
        self.forget_all(time.monotonic())
