"""What a person who signs in has and does."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django_otp.oath import totp

from kalshi import conf
from kalshi.models import AuditEvent, Authenticator
from kalshi.services import authenticator_keys, second_factor
from kalshi.services.audit import Action

PASSWORD = "a long password for tests"


def turn_on(person: Any) -> list[str]:
    """Give the person a second factor, and return the recovery codes."""
    second_factor.offered(person, "a session")
    codes = second_factor.confirm(person, "a session", current_code(person))
    assert codes is not None
    return codes


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def shown_key(client: Client) -> str:
    """The key that the page for setting up a second factor offers."""
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", client.get("/you/second-factor/").content.decode())
    assert found is not None
    return found[1]


def current_code(person: Any) -> str:
    """What the app shows now, or the one that is offered, as if no code had been used in these 30 seconds."""
    Authenticator.objects.filter(user=person).update(last_t=-1, throttling_failure_count=0)
    return f"{totp(key_of(Authenticator.objects.get(user=person))):06d}"


def key_of(device: Authenticator) -> bytes:
    return authenticator_keys.opened(device, conf.setup())


def wrong_code(person: Any) -> str:
    return f"{(int(current_code(person)) + 1) % 1_000_000:06d}"


def try_password(client: Client, password: str = PASSWORD, name: str = "trader", **options: Any) -> Any:
    return client.post("/sign-in/", {"username": name, "password": password}, **options)


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def told(action: Action) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action))
