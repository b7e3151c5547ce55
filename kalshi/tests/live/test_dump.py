"""What a backup of the database gives away: no usable key."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kalshi.tests.servers import bare_environment, run_python


def pg_dump() -> str:
    found = shutil.which("pg_dump") or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"), reverse=True)), None
    )
    assert found, "pg_dump is missing; on Debian and Ubuntu: sudo apt-get install postgresql"
    return found


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """A database of its own: what others sealed in theirs, with another ring, would stand in the way."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE dumped")
        yield postgres_url.rpartition("/")[0] + "/dumped"
        connection.execute("DROP DATABASE dumped WITH (FORCE)")


def test_a_dump_of_postgresql_holds_no_usable_key(tmp_path: Path, database_url: str) -> None:
    env = bare_environment(tmp_path) | {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": database_url}
    manage = partial(run_python, "manage.py", env=env)
    manage("migrate", "-v0")
    pem = generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    path = tmp_path / "key.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    where = ("--environment", "sandbox", "--key-id", "the-key-id", "--key-file", str(path))
    manage("accounts", "add", "dumped", *where)
    assert "can be opened" in manage("accounts", "list")
    manage("rotate_key_ring")
    dump = subprocess.run(
        [pg_dump(), "--dbname", database_url], text=True, capture_output=True, timeout=60, check=True
    ).stdout
    assert "dumped" in dump and "gAAAA" in dump
    secrets = [line for line in pem.decode().splitlines() if "-----" not in line]
    secrets += (tmp_path / "data" / "key_ring").read_text().split()
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret in dump] == []
