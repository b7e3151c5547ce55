"""A database of an earlier version brought forward: nothing is lost, and the audit log stays as it was."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kalshi.tests.servers import ROOT, bare_environment

EARLIER = "0005"
"""The last migration of the version that is left behind."""


@dataclass
class Installation:
    folder: Path
    database_url: str

    def manage(self, *arguments: str) -> str:
        env = bare_environment(self.folder) | {"DATA_DIR": str(self.folder / "data")}
        env |= {"DATABASE_URL": self.database_url} if self.database_url else {}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=env,
            text=True,
            capture_output=True,
            timeout=90,
            check=True,
        ).stdout

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
            connection.execute("CREATE DATABASE earlier")
        url = server.rpartition("/")[0] + "/earlier"
    installation = Installation(folder, url)
    installation.manage("migrate", "-v0", "kalshi", EARLIER)
    use(installation)
    installation.manage("migrate", "-v0")
    yield installation


def use(installation: Installation) -> None:
    """What people did before."""
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
