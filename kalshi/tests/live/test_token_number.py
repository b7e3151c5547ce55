"""Tokens of a version whose table of tokens had no number: brought forward, and back."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import psycopg
import pytest

from kalshi.tests.live.test_upgrade import Installation

EARLIER = "0008"
OPENS = """
from rest_framework.test import APIRequestFactory
from kalshi.views.authentication import BearerAuthentication
from kalshi.models import ApiToken
given = APIRequestFactory().get("/", headers={"Authorization": "Bearer TOKEN"})
user, row = BearerAuthentication().authenticate(given)
print(user, row.pk, row.created.isoformat(), row.account.slug)
print(ApiToken.objects.create(user, name="new")[0].pk)
user.delete()
print(ApiToken.objects.count())
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    if request.param == "sqlite":
        return Installation(tmp_path, "")
    server: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS tokens WITH (FORCE)")
        connection.execute("CREATE DATABASE tokens")
    return Installation(tmp_path, server.rpartition("/")[0] + "/tokens")


def test_a_token_stays_good_and_gets_a_number(installation: Installation) -> None:
    installation.manage("migrate", "-v0", "kalshi", EARLIER)
    installation.sql(
        "INSERT INTO auth_user (username, password, email, first_name, last_name, is_active, is_staff, is_superuser, "
        "date_joined, last_login) VALUES ('ada', '!', '', '', '', %s, %s, %s, '2026-01-02 03:04:05+00:00', "
        "'2026-01-02 03:04:05+00:00')",
        *(True, False, False),
    )
    tokens = [secrets.token_hex(32) for _ in range(2)]
    for token, month in zip(tokens, ("03", "02"), strict=True):
        installation.sql(
            "INSERT INTO kalshi_apitoken (digest, token_key, created, name, scope, user_id, account_id) "
            f"SELECT %s, %s, '2026-{month}-01 00:00:00+00:00', 'n', 'read', auth_user.id, kalshi_account.id "
            "FROM auth_user, kalshi_account WHERE username = 'ada'",
            *(hashlib.sha512(token.encode()).hexdigest(), token[:15]),
        )
    for step in ((), ("kalshi", EARLIER)):
        installation.manage("migrate", "-v0", *step)
        found = installation.sql("SELECT digest, token_key FROM kalshi_apitoken ORDER BY created DESC")
        assert found == [(hashlib.sha512(token.encode()).hexdigest(), token[:15]) for token in tokens]
    installation.manage("migrate", "-v0")
    printed = installation.manage("shell", "-v0", "-c", OPENS.replace("TOKEN", tokens[0])).splitlines()
    assert printed == ["ada 2 2026-03-01T00:00:00+00:00 default", "3", "0"]
