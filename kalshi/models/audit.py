"""What happened, by whom and from where. Rows are only ever added."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class AppendOnly(models.QuerySet["AuditEvent"]):
    """Refuses what would change or remove rows."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("the audit log is append-only")

    def delete(self) -> NoReturn:
        raise TypeError("the audit log is append-only")


class AuditEvent(models.Model):
    """`actor` is a user's name as it was then, or empty; no foreign key, so that nothing has to be rewritten when a
    person is deleted. Names are changed and given again: `actor_pk` says for good who it was, as the text of the
    user's primary key, and is what rights are judged by. It is empty where nobody acted who has an id, and in events
    of versions that did not tell it. `target` names what it was done to; `details` never holds a secret.

    `account` is the slug, as it was then, of the account that the event is about; empty where it is about none, and in
    events of versions that did not tell it. Slugs are changed and given again: `account_uid` says for good which
    account it was, and is what rights are judged by.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(max_length=150, blank=True, db_index=True)
    actor_pk = models.CharField(max_length=64, blank=True, editable=False, db_index=True)
    action = models.CharField(max_length=40, db_index=True)
    account = models.CharField(max_length=40, blank=True, db_index=True)
    account_uid = models.UUIDField(null=True, blank=True, editable=False, db_index=True)
    target = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    details = models.JSONField(default=dict, blank=True)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.action} {self.target}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("the audit log is append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("the audit log is append-only")


class SeenAddress(models.Model):
    """Addresses from which a key or token was used, so that use from a new one can be told; of IPv6 the first address
    of the /64.
    """

    credential = models.CharField(max_length=80, help_text="key:<key id> or token:<token key>")
    address = models.GenericIPAddressField()
    first_seen_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-last_seen_at",)
        constraints = (models.UniqueConstraint(fields=("credential", "address"), name="one_row_per_address"),)

    def __str__(self) -> str:
        return f"{self.credential.partition(':')[0]} from {self.address}"
