"""Who is asking: a bearer token first, then a signed-in session."""

from typing import Any

from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework import exceptions


class BearerAuthentication(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """`Authorization: Bearer <token>`. Reads only: rows that expired are refused here and cleared away elsewhere."""

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        # Our tokens are hexadecimal; anything else cannot be one and never reaches the database.
        if not token.isalnum() or not token.isascii():
            raise exceptions.AuthenticationFailed
        found: tuple[Any, Any] = super().authenticate_credentials(token)
        return found

    def _cleanup_token(self, auth_token: Any) -> bool:
        return auth_token.expiry is not None and auth_token.expiry < timezone.now()
