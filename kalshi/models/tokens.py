"""Bearer tokens for scripts and front ends: SHA-512 at rest (django-rest-knox), expiring, revoked by deletion."""

from django.db import models
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS

from kalshi.models.accounts import Account


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """`name` is the owner's label and need not be unique. A token opens what its one scope names, and nothing else."""

    class Scope(models.TextChoices):
        READ = "read"
        METRICS = "metrics"

    # knox's own is the primary key, and so would stand in the admin's addresses and in every log of them.
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True, editable=False)
    name = models.CharField(max_length=100)
    scope = models.CharField(max_length=16, choices=Scope.choices, default=Scope.READ)
    account = models.ForeignKey(
        Account,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The one account that the token opens; empty: all that its owner may see.",
    )

    class Meta:
        ordering = ("-created",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
