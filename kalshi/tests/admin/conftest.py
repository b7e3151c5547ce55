"""Two accounts besides the default one, and somebody for each role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from kalshi.models import (
    Account,
    ApiToken,
    EndpointPolicy,
    Grant,
    SeenAddress,
    VirtualKey,
)
from kalshi.services import virtual_keys
from kalshi.services.audit import Action, record
from kalshi.tests.private_keys import new_pem

ROLES = ("superuser", "owner", "operator", "viewer", "stranger", "staff", "shut", "default-operator")
MAY_ENTER = ("superuser", "owner", "operator", "default-operator")


@dataclass
class World:
    """`ours` is what the people of ROLES hold their roles for; nobody but the superuser holds one for `theirs`."""

    people: dict[str, Any]
    ours: dict[str, Any]
    theirs: dict[str, Any]
    policy: EndpointPolicy
    seen: SeenAddress

    def client(self, role: str) -> Client:
        client = Client()
        if role != "nobody":
            client.force_login(self.people[role])
        return client


def person(name: str, **fields: Any) -> Any:
    return get_user_model().objects.create_user(name, f"{name}@example.org", **fields)


def belongings(account: Account, user: Any) -> dict[str, Any]:
    key = virtual_keys.issue(user, account, f"key-of-{account.slug}", key_type="ed25519").key
    token, _ = ApiToken.objects.create(user, name=f"token-of-{account.slug}", account=account)
    event = record(
        Action.GRANT_GIVEN, actor="somebody else", target=f"event-of-{account.slug}", account=account
    )
    return {"account": account, "key": key, "token": token, "event": event, "user": user}


@pytest.fixture
def world(exchange: Any) -> World:
    default = Account.objects.get(from_environment=True)
    ours = Account.objects.create(slug="ours", label="Our fund", environment="demo")
    theirs = Account.objects.create(slug="theirs", label="Their fund", environment="demo")
    people = {role: person(role) for role in ROLES if role not in {"superuser", "staff", "shut"}}
    people["superuser"] = get_user_model().objects.create_superuser("superuser")
    people["staff"] = person("staff", is_staff=True)
    people["shut"] = person("shut")
    for role in ("viewer", "operator", "owner"):
        Grant.objects.create(user=people[role], account=ours, role=role)
    Grant.objects.create(user=people["default-operator"], account=default, role="operator")
    Grant.objects.create(user=people["shut"], account=ours, role="owner")
    people["shut"].is_active = False
    people["shut"].save()
    member, other = person("member"), person("other")
    Grant.objects.create(user=member, account=ours, role="viewer")
    Grant.objects.create(user=other, account=theirs, role="owner")
    return World(
        people=people,
        ours=belongings(ours, member),
        theirs=belongings(theirs, other),
        policy=EndpointPolicy.objects.get(operation="get_balance"),
        seen=SeenAddress.objects.create(credential="key:1", address="192.0.2.1"),
    )


@pytest.fixture
def sealing(settings: Any, tmp_path: Any, exchange: Any) -> None:
    """A key ring to seal with."""
    settings.KALSHI = settings.KALSHI | {"KEY_RING_FILE": tmp_path / "ring"}


@pytest.fixture
def pem() -> str:
    return new_pem()


@pytest.fixture
def key_row(world: World) -> Callable[[], VirtualKey]:
    return lambda: VirtualKey.objects.get(pk=world.ours["key"].pk)
