"""Keys of our own, with which existing Kalshi clients sign their requests to the gateway."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from kalshi.models.accounts import Account


class VirtualKey(models.Model):
    """The public half of a key pair; the private half was shown once to its owner and is stored nowhere.

    `operations`: names of upstream operations; an empty list allows all that the gateway serves. The owner's grant
    bounds whatever the key allows. Last use and `used_count` are written at most once a minute.
    """

    class KeyType(models.TextChoices):
        RSA = "rsa"
        ED25519 = "ed25519"

    key_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="kalshi_keys")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="virtual_keys")
    label = models.CharField(max_length=100)
    key_type = models.CharField(max_length=8, choices=KeyType.choices, editable=False)
    public_key = models.TextField(editable=False)
    operations = models.JSONField(
        default=list, blank=True, help_text="Names of the operations it may read; an empty list: all."
    )
    requests_per_s = models.FloatField(
        "requests per second",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(10_000)],
        help_text="0.01 to 10,000; empty: no limit of its own.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    blocked = models.BooleanField(default=False, help_text="Refused for as long as this is set.")
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    used_count = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.label} of {self.user}"

    @property
    def is_good(self) -> bool:
        """Neither blocked, nor revoked, nor expired."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return not (self.blocked or self.revoked_at is not None or expired)
