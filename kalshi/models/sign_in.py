"""One-time sign-in codes: stored as SHA-256, valid ten minutes, spent by one guarded UPDATE."""

import hashlib
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from kalshi.our_secrets import new_secret

VALID_FOR = timedelta(minutes=10)


def _digest(code: str) -> str:
    # The code has 256 random bits, so a plain hash cannot be reversed by guessing.
    return hashlib.sha256(code.encode()).hexdigest()


class SignInCode(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"sign-in code of {self.user}"

    @classmethod
    def issue(cls, user: Any) -> str:
        """Return a new code for the user; codes that expired a day ago are cleared away."""
        now = timezone.now()
        cls.objects.filter(expires_at__lt=now - timedelta(days=1)).delete()
        code = new_secret()
        cls.objects.create(user=user, digest=_digest(code), expires_at=now + VALID_FOR)
        return code

    @classmethod
    def is_open(cls, code: str) -> bool:
        """True while the code could still be spent. Spends nothing."""
        return cls.objects.filter(**cls._spendable(code)).exists()

    @classmethod
    def spend(cls, code: str) -> Any | None:
        """Return the user and use the code up, or None. Of several callers with one code, one wins."""
        won = cls.objects.filter(**cls._spendable(code)).update(used_at=timezone.now())
        return cls.objects.select_related("user").get(digest=_digest(code)).user if won else None

    @staticmethod
    def _spendable(code: str) -> dict[str, Any]:
        return {
            "digest": _digest(code),
            "used_at__isnull": True,
            "expires_at__gt": timezone.now(),
            "user__is_active": True,
        }
