from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client
from knox.models import get_token_model

from kalshi import conf
from kalshi.models import Account, Grant
from kalshi.services import engine
from kalshi.tests import fakes


@pytest.fixture
def exchange(settings: Any, db: None) -> Iterator[fakes.FakeExchange]:
    """The app in front of a scripted exchange, with an empty cache."""
    fakes.exchange = fakes.FakeExchange()
    settings.KALSHI = {
        "ENVIRONMENT": "demo",
        "BASE_URL": "https://external-api.demo.kalshi.co/trade-api/v2",
        "REQUEST_FUNCTION": "kalshi.tests.fakes.request",
        "TIMEOUT_S": 5.0,
    }
    conf.forget()
    caches["kalshi"].clear()
    yield fakes.exchange
    engine.close()
    conf.forget()


@pytest.fixture
def user(django_user_model: Any, db: None) -> Any:
    """Somebody who may see the default account."""
    person = django_user_model.objects.create_user("ada", password="a long password")
    Grant.objects.create(user=person, account=Account.objects.get(from_environment=True))
    return person


@pytest.fixture
def token(user: Any) -> str:
    return str(get_token_model().objects.create(user, name="tests")[1])


@pytest.fixture
def api(token: str) -> Callable[..., Any]:
    """`api("balance/", HTTP_IF_NONE_MATCH=...)`: a GET of our API with a valid token."""

    def get(path: str, **headers: Any) -> Any:
        path = path if path.startswith("/") else f"/api/v1/kalshi/{path}"
        return Client().get(path, HTTP_AUTHORIZATION=f"Bearer {token}", **headers)

    return get
