from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from kalshi.models import Account, Grant
from kalshi.tests.gateway.signing import ROOT, Signer, create
from kalshi.tests.live.conftest import gateway, healed, sandbox

__all__ = ["gateway", "healed", "sandbox"]


@pytest.fixture
def granted(user: Any) -> Any:
    """Ada, who may see the one account."""
    Grant.objects.get_or_create(user=user, account=Account.objects.get(from_environment=True))
    return user


@pytest.fixture
def signer(granted: Any) -> Signer:
    return create("--type", "ed25519")


@pytest.fixture
def ask(exchange: Any, signer: Signer) -> Callable[..., Any]:
    """`ask("/portfolio/balance")`: a signed GET of the gateway; keywords as of Django's client."""

    def get(path: str, signer: Signer = signer, **meta: Any) -> Any:
        url = ROOT + path
        return Client().get(url, **(signer.meta(url.partition("?")[0]) | meta))

    return get
