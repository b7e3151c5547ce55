"""The second factor of a person: an authenticator app and recovery codes, neither of them readable here."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django_otp.models import ThrottlingMixin


class _NeverRefused:
    """What ThrottlingMixin falls back on. In django-otp that is `Device`, whose subclasses count as second factors of
    whatever project they are found in; these are of this app's sign-in alone.
    """

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        return True, None


class Authenticator(ThrottlingMixin, _NeverRefused):  # type: ignore[misc]  # django-otp has no types
    """An app that shows time-based codes (TOTP: SHA-1, six digits, 30 s), in use once it is `confirmed`. A person is
    offered one at a time, in one session. After each wrong code in a row all are refused for twice as long as before,
    1 s at first.

    `sealed_key`: its key, sealed by the key ring for this `uid` and user; `plain:` and the key in hexadecimal only
    where an earlier version left it so and there was no ring yet. drift: steps by which the app's clock is off. last_t:
    the step of the last good code; none is good twice.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    confirmed = models.BooleanField(default=False)
    sealed_key = models.TextField(editable=False)
    drift = models.SmallIntegerField(default=0)
    last_t = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(confirmed=False), name="kalshi_one_offered_app"
            ),
        )

    def __str__(self) -> str:
        return f"authenticator app of {self.user}"

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCodes(models.Model):
    """The codes that a person has left, hashed by `kalshi.accounts.recovery`; a used one is taken out."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    salt = models.CharField(max_length=64)
    cost = models.PositiveIntegerField()
    digests = models.JSONField(default=list)

    class Meta:
        verbose_name_plural = "recovery codes"

    def __str__(self) -> str:
        return f"recovery codes of {self.user}"
