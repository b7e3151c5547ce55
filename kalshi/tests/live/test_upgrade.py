"""A database of an earlier version brought forward: nothing is lost, and the audit log stays as it was."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from kalshi.accounts import recovery, totp
from kalshi.accounts import ring as rings
from kalshi.tests.live.test_dump import pg_dump
from kalshi.tests.servers import bare_environment, run_python

EARLIER = "0005"
"""The last migration of the version that is left behind."""


@dataclass
class Installation:
    folder: Path
    database_url: str

    def manage(self, *arguments: str) -> str:
        env = bare_environment(self.folder) | {"DATA_DIR": str(self.folder / "data")}
        env |= {"DATABASE_URL": self.database_url} if self.database_url else {}
        return run_python("manage.py", *arguments, env=env)

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """statement: with %s for each value."""
        if self.database_url:
            with psycopg.connect(self.database_url) as connection:
                done: Any = connection.execute(statement, values)  # type: ignore[arg-type]
                return list(done.fetchall()) if done.description else []
        with contextlib.closing(sqlite3.connect(self.folder / "data" / "db.sqlite3")) as plain, plain:
            return list(plain.execute(statement.replace("%s", "?"), values))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def upgraded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Made by the earlier version, used, and brought forward."""
    folder, url = tmp_path_factory.mktemp("upgraded"), ""
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgres_url")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS earlier WITH (FORCE)")
            connection.execute("CREATE DATABASE earlier")
        url = server.rpartition("/")[0] + "/earlier"
    installation = Installation(folder, url)
    installation.manage("migrate", "-v0", "kalshi", EARLIER)
    use(installation)
    installation.manage("migrate", "-v0")
    yield installation


KEY = "3132333435363738393031323334353637383930"
OFFERED = ["11" * 20, "22" * 20]
CODES = ["abcdefghjk", "mnpqrstuvw"]
REFERS = "REFERENCES {} (id) DEFERRABLE INITIALLY DEFERRED"
OLD_TABLES = (
    "CREATE TABLE otp_totp_totpdevice (id INTEGER PRIMARY KEY, "
    f"user_id INTEGER {REFERS.format('auth_user')}, name VARCHAR(64), confirmed BOOLEAN, "
    "key VARCHAR(80), step INTEGER, t0 INTEGER, digits INTEGER, tolerance INTEGER, drift INTEGER, last_t INTEGER)",
    "CREATE TABLE otp_static_staticdevice (id INTEGER PRIMARY KEY, "
    f"user_id INTEGER {REFERS.format('auth_user')}, confirmed BOOLEAN)",
    "CREATE TABLE otp_static_statictoken (id INTEGER PRIMARY KEY, "
    f"device_id INTEGER {REFERS.format('otp_static_staticdevice')}, token VARCHAR(16))",
)
"""What django-otp made, as far as we used it."""


def use(installation: Installation) -> None:
    """What people did before."""
    for statement in OLD_TABLES:
        installation.sql(statement)
    installation.sql(
        "INSERT INTO auth_user (username, password, email, first_name, last_name, is_active, is_staff, is_superuser, "
        "date_joined, last_login) VALUES ('ada', '!', '', '', '', %s, %s, %s, '2026-01-02 03:04:05+00:00', "
        "'2026-01-02 03:04:05+00:00')",
        *(True, False, False),
    )
    ((user,),) = installation.sql("SELECT id FROM auth_user WHERE username = 'ada'")
    for number, (confirmed, key) in enumerate(((True, KEY), (False, OFFERED[0]), (False, OFFERED[1])), 1):
        installation.sql(
            "INSERT INTO otp_totp_totpdevice VALUES (%s, %s, 'authenticator', %s, %s, 30, 0, 6, 1, 1, 58000000)",
            *(number, user, confirmed, key),
        )
    installation.sql("INSERT INTO otp_static_staticdevice VALUES (1, %s, %s)", user, True)
    for number, code in enumerate(CODES):
        installation.sql("INSERT INTO otp_static_statictoken VALUES (%s, 1, %s)", number, code)
    installation.sql(
        "INSERT INTO kalshi_auditevent (at, actor, action, target, address, request_id, details) "
        "VALUES ('2026-01-02 03:04:05+00:00', 'ada', 'key-made', 'bot of ada', '192.0.2.1', 'r1', %s)",
        json.dumps({"label": "bot"}),
    )


def test_an_old_event_is_as_it_was_and_about_no_account(upgraded: Installation) -> None:
    columns = "actor, action, target, address, request_id, account, account_uid"
    rows = upgraded.sql(f"SELECT {columns}, details FROM kalshi_auditevent")
    assert [tuple(map(str, row[:6])) for row in rows] == [
        ("ada", "key-made", "bot of ada", "192.0.2.1", "r1", "")
    ]
    assert rows[0][6] is None
    details = rows[0][7]
    assert (json.loads(details) if isinstance(details, str) else details) == {"label": "bot"}
    assert "2026-01-02T03:04:05" in upgraded.manage("audit")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE kalshi_auditevent SET actor = %s", "DELETE FROM kalshi_auditevent WHERE actor <> %s"],
)
def test_the_database_goes_on_refusing_to_change_the_log(upgraded: Installation, statement: str) -> None:
    with pytest.raises((sqlite3.Error, psycopg.Error), match="append-only"):
        upgraded.sql(statement, "x")


def test_second_factors_are_sealed_and_codes_hashed_and_both_are_good_still(upgraded: Installation) -> None:
    columns = "CAST(uid AS VARCHAR(36)), user_id, confirmed, drift, last_t, sealed_key"
    ((uid, user, confirmed, drift, last_t, sealed),) = upgraded.sql(
        f"SELECT {columns} FROM kalshi_authenticator WHERE confirmed"
    )
    assert (bool(confirmed), drift, last_t) == (True, 1, 58_000_000)
    ring = rings.from_file(upgraded.folder / "data" / "key_ring")
    assert ring is not None
    assert totp.unseal(ring, sealed, uid=str(UUID(uid)), user=str(user)).hex() == KEY
    ((salt, cost, digests),) = upgraded.sql("SELECT salt, cost, digests FROM kalshi_recoverycodes")
    kept = json.loads(digests) if isinstance(digests, str) else digests
    assert kept == [recovery.digest(f"{code[:5]}-{code[5:]}", salt=salt, cost=cost) for code in CODES]


def test_of_the_apps_that_were_offered_at_once_the_first_stays(upgraded: Installation) -> None:
    columns = "CAST(uid AS VARCHAR(36)), user_id, sealed_key"
    ((uid, user, sealed),) = upgraded.sql(f"SELECT {columns} FROM kalshi_authenticator WHERE NOT confirmed")
    ring = rings.from_file(upgraded.folder / "data" / "key_ring")
    assert ring is not None
    assert totp.unseal(ring, sealed, uid=str(UUID(uid)), user=str(user)).hex() == OFFERED[0]


def test_nothing_of_the_secrets_stays_behind(upgraded: Installation) -> None:
    for table in ("otp_totp_totpdevice", "otp_static_staticdevice", "otp_static_statictoken"):
        assert upgraded.sql(f"SELECT * FROM {table}") == []
    if upgraded.database_url:
        dump = [pg_dump(), "--dbname", upgraded.database_url]
        content = subprocess.run(dump, capture_output=True, timeout=60, check=True).stdout
    else:
        content = b"".join(path.read_bytes() for path in (upgraded.folder / "data").glob("db.sqlite3*"))
    assert b"gAAAA" in content
    assert [secret for secret in (KEY, *OFFERED, *CODES) if secret.encode() in content] == []
