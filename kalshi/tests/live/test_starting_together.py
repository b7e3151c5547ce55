"""Several servers that start at one moment on an empty database, and versions that do not fit the database."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests

from kalshi.tests.servers import ROOT, Process, Sandbox, bare_environment, free_port, wait_until

SERVERS = 3
FUTURE = "0999_from_the_future"


@pytest.fixture
def environment(sandbox: Sandbox, redis_url: str, tmp_path: Path) -> dict[str, str]:
    shared = {"DATA_DIR": str(tmp_path / "data"), "REDIS_URL": redis_url}
    return bare_environment(tmp_path) | sandbox.environment() | shared


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, environment: dict[str, str]) -> dict[str, str]:
    """The environment of servers over one empty database."""
    if request.param == "sqlite":
        return environment
    server: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS together WITH (FORCE)")
        connection.execute("CREATE DATABASE together")
    return environment | {"DATABASE_URL": server.rpartition("/")[0] + "/together"}


@contextlib.contextmanager
def started_together(env: dict[str, str]) -> Iterator[list[tuple[Process, str]]]:
    ports = [str(free_port()) for _ in range(SERVERS)]
    servers = [
        (Process([sys.executable, "-m", "dashboard.launch"], env | {"PORT": port}), port) for port in ports
    ]
    try:
        yield servers
    finally:
        for process, _ in servers:
            process.stop()


def is_ready(port: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200
    return False


def test_servers_that_start_together_on_an_empty_database_all_come_up(database: dict[str, str]) -> None:
    with started_together(database) as servers:
        for process, port in servers:
            process.wait_for_line(r"Sign in: (\S+)", 90)
            wait_until(lambda port=port: is_ready(port), 30, "readyz 200")


def test_an_older_version_refuses_a_newer_database_in_a_sentence(environment: dict[str, str]) -> None:
    env = environment | {"PORT": str(free_port())}
    assert run("manage.py", "migrate", "-v0", env=env).returncode == 0
    with contextlib.closing(sqlite3.connect(f"{env['DATA_DIR']}/db.sqlite3")) as plain, plain:
        plain.execute(
            f"INSERT INTO django_migrations (app, name, applied) VALUES ('kalshi', '{FUTURE}', '2099-01-01 00:00:00Z')"
        )
    for command in (["-m", "dashboard.launch"], ["manage.py", "migrate"], ["manage.py", "serve"]):
        done = run(*command, env=env)
        assert done.returncode == 1, command
        assert f"newer version of this program: it has {FUTURE}, which this one does not know" in done.stderr
        assert done.stderr.count("\n") == 1 and "Sign in" not in done.stdout
    assert "kalshi.E008" in run("manage.py", "check", "--database", "default", env=env).stderr
    verified = run("verify_setup.py", env=env).stdout
    assert f"the database is of a newer version ({FUTURE}) -> Run the newer version again" in verified


def run(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], check=False, cwd=ROOT, env=env, text=True, capture_output=True, timeout=90
    )
