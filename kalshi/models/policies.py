"""What an administrator may change about an endpoint, one row each.

An empty field means the built-in number of the endpoint table, so that a better default of a later version takes
effect wherever nobody chose another. Every save raises the generation, by which all processes notice it.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from kalshi.upstream.endpoints import ENDPOINTS

DAY_S = 86_400


class PolicyGeneration(models.Model):
    """A single row that counts changes of all policies."""

    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.number)

    @classmethod
    def current(cls) -> int:
        return cls.objects.filter(pk=1).values_list("number", flat=True).first() or 0

    @classmethod
    def bump(cls) -> None:
        """Part of the caller's transaction: the new number and the change become visible together."""
        if not cls.objects.filter(pk=1).update(number=models.F("number") + 1):
            cls.objects.create(pk=1, number=1)


class EndpointPolicy(models.Model):
    """Times in seconds. `enabled` false: the endpoint answers 503 `endpoint_off`."""

    operation = models.CharField(max_length=80, unique=True, editable=False)
    fresh_s = models.PositiveIntegerField(
        "fresh for (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(DAY_S)],
        help_text="Younger answers are served without asking Kalshi. 1 to 86,400; empty: the built-in number.",
    )
    keep_s = models.PositiveIntegerField(
        "keep for (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(30 * DAY_S)],
        help_text="How long an old answer may stand in when Kalshi fails. From fresh to 2,592,000; empty: built-in.",
    )
    patience_s = models.FloatField(
        "patience (s)",
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(10)],
        help_text="How long a caller waits for a refresh before getting the old answer. 0 to 10; empty: built-in.",
    )
    enabled = models.BooleanField("on", default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("operation",)
        verbose_name = "endpoint setting"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(fresh_s__isnull=True) | models.Q(fresh_s__range=(1, DAY_S)),
                name="fresh_s_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(keep_s__isnull=True) | models.Q(keep_s__range=(1, 30 * DAY_S)),
                name="keep_s_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(patience_s__isnull=True) | models.Q(patience_s__range=(0, 10)),
                name="patience_s_in_range",
            ),
        )

    def __str__(self) -> str:
        endpoint = ENDPOINTS.get(self.operation)
        return endpoint.name or self.operation if endpoint else self.operation

    def clean(self) -> None:
        endpoint = ENDPOINTS.get(self.operation)
        if endpoint is None:
            return
        fresh_s = endpoint.fresh_s if self.fresh_s is None else self.fresh_s
        keep_s = endpoint.keep_s if self.keep_s is None else self.keep_s
        if not (1 <= fresh_s <= DAY_S and 1 <= keep_s <= 30 * DAY_S):
            return  # the fields say so themselves
        if keep_s < fresh_s:
            raise ValidationError(
                {
                    "keep_s": f"Keep ({keep_s:g} s) is shorter than fresh ({fresh_s:g} s): raise keep or lower fresh."
                }
            )

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            super().save(*args, **kwargs)
            PolicyGeneration.bump()

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            PolicyGeneration.bump()
            return super().delete(*args, **kwargs)
