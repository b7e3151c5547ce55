"""Every command, ours or Django's, over a database that cannot be used: one sentence, exit code 1, no traceback."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from kalshi.tests.servers import bare_environment, free_port, ran, run_python

OURS = (
    "accounts list",
    "accounts remove fund",
    "audit",
    "create_token --user owner --name x",
    "keys list",
    "rotate_key_ring --check",
    "sign_in_link",
    "sign_out --user owner",
)
DJANGOS = (
    "migrate",
    "showmigrations",
    "check --database default",
    "createsuperuser --noinput --username ada --email ada@example.com",
    "changepassword owner",
    "clearsessions",
    "dumpdata",
    "axes_reset",
    "shell -v0 -c User.objects.count()",
)
WRITING = ("createsuperuser --noinput --username ada --email ada@example.com", "sign_in_link")
AWAY = "The database does not answer (OperationalError); start it, or correct DATABASE_URL."


def manage(
    env: dict[str, str], arguments: str, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return ran(
        [sys.executable, "manage.py", *arguments.split(maxsplit=3)]
        if arguments.startswith("shell")
        else [sys.executable, "manage.py", *arguments.split()],
        env=env,
        stdin=subprocess.DEVNULL,
        preexec_fn=before,
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stderr
    assert any(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "hunter2" not in done.stderr + done.stdout


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the user `owner`, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    env = bare_environment(folder) | {"DATA_DIR": str(folder / "data")}
    code = "from django.core.management import call_command as c; c('migrate', verbosity=0); "
    code += "from dashboard.launch import make_owner; make_owner()"
    run_python("manage.py", "shell", "-v0", "-c", code, env=env)
    with closing(sqlite3.connect(folder / "data" / "db.sqlite3")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "data"


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    shutil.copytree(migrated, tmp_path / "data")
    return tmp_path / "data"


def environment(data: Path) -> dict[str, str]:
    return bare_environment(data.parent) | {"DATA_DIR": str(data)}


@pytest.fixture(scope="module")
def away(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, subprocess.CompletedProcess[str]]]:
    """What each command says while nobody listens where the database should be; two at a time."""
    folder = tmp_path_factory.mktemp("away")
    env = bare_environment(folder) | {"DATA_DIR": str(folder / "data")}
    env |= {"DATABASE_URL": f"postgres://ada:hunter2@127.0.0.1:{free_port()}/kalshi"}
    with ThreadPoolExecutor(2) as pool:
        yield dict(
            zip(OURS + DJANGOS, pool.map(lambda words: manage(env, words), OURS + DJANGOS), strict=True)
        )


@pytest.mark.parametrize("command", OURS + DJANGOS)
def test_a_database_that_is_away(command: str, away: dict[str, subprocess.CompletedProcess[str]]) -> None:
    if command.startswith("check"):  # Django's own form: a head line, the fault, the remedy
        assert away[command].returncode == 1
        assert "kalshi.E007" in away[command].stderr and "Traceback" not in away[command].stderr
    else:
        assert_one_sentence(away[command], AWAY)


@pytest.mark.parametrize("command", ["accounts list", "audit", "createsuperuser --noinput --username ada"])
def test_a_database_that_is_not_migrated(tmp_path: Path, command: str) -> None:
    done = manage(environment(tmp_path / "data"), command)
    assert_one_sentence(
        done, "lacks tables or columns of this version; run: .venv/bin/python manage.py migrate"
    )


def test_a_database_in_postgresql_that_is_not_migrated(tmp_path: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bare")
        connection.execute("CREATE DATABASE bare")
    env = environment(tmp_path / "data") | {"DATABASE_URL": postgres_url.rpartition("/")[0] + "/bare"}
    assert_one_sentence(manage(env, "audit"), "manage.py migrate")
    env["DATABASE_URL"] = postgres_url.rpartition("/")[0] + "/nowhere"
    assert_one_sentence(manage(env, "audit"), "correct DATABASE_URL", "DATABASE_URL")


@pytest.mark.parametrize("command", WRITING)
def test_a_file_that_is_read_only(data: Path, command: str) -> None:
    make_read_only(data / "db.sqlite3")
    done = manage(environment(data), command)
    assert_one_sentence(done, "cannot be written: it is read-only")


def make_read_only(path: Path) -> None:
    """By its header, whose write version SQLite does not know: a mode would not hold back root."""
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")


@pytest.mark.parametrize("command", WRITING)
def test_a_disk_that_is_full(data: Path, command: str) -> None:
    done = manage(environment(data), command, no_more_bytes)
    assert_one_sentence(done, "cannot be read or written", "disk is full")


def test_a_disk_that_is_full_when_the_first_tables_are_made(tmp_path: Path) -> None:
    done = manage(environment(tmp_path / "data"), "migrate --verbosity 0", no_more_bytes)
    assert_one_sentence(done, "cannot be read or written", "disk is full")


def no_more_bytes() -> None:
    """No file of this process grows beyond a page."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_file_that_is_no_database(data: Path) -> None:
    (data / "db.sqlite3").write_bytes(b"no database " * 500)
    assert_one_sentence(manage(environment(data), "audit"), "is damaged, or no database; restore it")


def test_a_bug_keeps_its_traceback_and_so_does_who_asks_for_one(data: Path) -> None:
    done = manage(environment(data), "shell -v0 -c 1/0")
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
    env = environment(data) | {"DATABASE_URL": f"postgres://ada:hunter2@127.0.0.1:{free_port()}/kalshi"}
    assert "Traceback" in manage(env, "audit --traceback").stderr
