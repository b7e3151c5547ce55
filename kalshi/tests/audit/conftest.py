from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kalshi.services import seen_addresses


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    seen_addresses.forget()


@pytest.fixture
def stranger(django_user_model: Any) -> Any:
    """Somebody without a grant."""
    return django_user_model.objects.create_user("ada", password="a long password")


@pytest.fixture
def admin(django_user_model: Any) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.force_login(django_user_model.objects.create_superuser("root", password="a long password"))
    return client
