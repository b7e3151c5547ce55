"""Kalshi accounts that this installation reads, and who may see which."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models, transaction

from kalshi.models.policies import PolicyGeneration

DEFAULT_SLUG = "default"
HIGHEST_SUBACCOUNT = 63


class Account(models.Model):
    """One account at Kalshi, or one subaccount of it.

    The row `default` stands for the credentials of the environment (`from_environment`): it holds no key, and its
    environment and address are those of the settings. Every other row holds its own key, sealed by
    `kalshi.accounts`; the row never holds a private key in the clear. `uid` never changes and is what cache keys carry.
    """

    class Environment(models.TextChoices):
        PROD = "prod"
        DEMO = "demo"
        SANDBOX = "sandbox"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"\A[a-z0-9][a-z0-9-]*\Z", "Lower-case letters, digits and dashes.")],
        help_text="How callers name the account: ?account=… or X-Kalshi-Account.",
    )
    label = models.CharField(max_length=100)
    environment = models.CharField(max_length=8, choices=Environment.choices, blank=True)
    from_environment = models.BooleanField(default=False, editable=False)
    key_id = models.CharField("key id", max_length=128, blank=True)
    sealed_key = models.TextField(blank=True, editable=False)
    subaccount = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(HIGHEST_SUBACCOUNT)],
        help_text="Show only this subaccount, 0 to 63; empty: whatever the key can see.",
    )
    enabled = models.BooleanField("on", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("slug",)
        constraints = (
            models.UniqueConstraint(
                fields=("from_environment",),
                condition=models.Q(from_environment=True),
                name="one_account_from_environment",
            ),
        )

    def __str__(self) -> str:
        return self.label or self.slug

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            PolicyGeneration.bump()  # by which all processes notice it

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            PolicyGeneration.bump()
            return super().delete(*args, **kwargs)


class Grant(models.Model):
    """What one person may do with one account. No row: nothing. A superuser is owner of every account."""

    class Role(models.TextChoices):
        VIEWER = "viewer", "viewer: sees the account"
        OPERATOR = "operator", "operator: may also change settings"
        OWNER = "owner", "owner: may also give and take grants and keys"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="kalshi_grants")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("account__slug", "user__username")
        constraints = (
            models.UniqueConstraint(fields=("user", "account"), name="one_grant_per_person_and_account"),
        )

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.account}"
