"""Who is asking: a bearer token first, then a signed-in session."""

from typing import Any

from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework import exceptions

from kalshi.models import ApiToken
from kalshi.services.seen_addresses import note_use


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """`Authorization: Bearer <token>`. Reads only: rows that expired are refused here and cleared away elsewhere.

    Refusing a token of another scope is done here and not by a permission, so that no view can forget it.
    """

    scope = ApiToken.Scope.READ

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        found: tuple[Any, Any] | None = super().authenticate(request)
        if found is not None:
            note_use(found[1], request.META.get("REMOTE_ADDR"))
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        # Our tokens are hexadecimal; anything else cannot be one and never reaches the database.
        if not token.isalnum() or not token.isascii():
            raise exceptions.AuthenticationFailed
        user, row = super().authenticate_credentials(token)
        if row.scope != self.scope:
            raise exceptions.PermissionDenied
        return user, row

    def _cleanup_token(self, auth_token: Any) -> bool:
        return auth_token.expiry is not None and auth_token.expiry < timezone.now()


class MetricsBearer(BearerAuthentication):
    """For the monitoring system, whose token opens nothing else."""

    scope = ApiToken.Scope.METRICS
