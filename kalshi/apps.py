from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.db.models.signals import post_migrate


class KalshiConfig(AppConfig):
    name = "kalshi"
    verbose_name = "Kalshi gateway"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kalshi import checks  # noqa: F401 - registers the system checks
        from kalshi.services import audit_rows, audit_sign_in

        audit_rows.watch()
        audit_sign_in.watch()
        if installed.is_installed("django.contrib.sessions"):
            from kalshi.services import signed_in

            signed_in.watch()
        if installed.is_installed("axes"):
            from kalshi.services import locked_sign_ins

            locked_sign_ins.watch()
        post_migrate.connect(_make_policy_rows, sender=self)
        post_migrate.connect(_make_default_account, sender=self)
        post_migrate.connect(_seal_second_factors, sender=self)


def _make_policy_rows(**_: Any) -> None:
    """Give every endpoint of our own API its row, so that the admin shows them all."""
    from kalshi.models import EndpointPolicy
    from kalshi.upstream.endpoints import ENDPOINTS

    wanted = {operation for operation, endpoint in ENDPOINTS.items() if endpoint.route is not None}
    missing = wanted - set(EndpointPolicy.objects.values_list("operation", flat=True))
    EndpointPolicy.objects.bulk_create([EndpointPolicy(operation=operation) for operation in sorted(missing)])


def _make_default_account(**_: Any) -> None:
    """The account of the environment's credentials is always there, so that it can be granted."""
    from kalshi.models import Account
    from kalshi.models.accounts import DEFAULT_SLUG

    Account.objects.get_or_create(
        from_environment=True, defaults={"slug": DEFAULT_SLUG, "label": "Default account"}
    )


def _seal_second_factors(*, apps: Any = installed, **_: Any) -> None:
    """What an earlier version kept readable; after every migrate, so that a ring that was missing is all it needs."""
    from kalshi.services import key_ring

    if "authenticator" in apps.all_models["kalshi"]:  # not so for who stops at an earlier migration
        key_ring.seal_what_is_plain()
