"""What a backup of the database gives away: no usable key."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

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
def manage(tmp_path: Path, postgres_url: str) -> Iterator[Callable[..., str]]:
    """manage.py on an empty folder and PostgreSQL; give the arguments."""
    env = bare_environment(tmp_path) | {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": postgres_url}

    def run(*arguments: str) -> str:
        return run_python("manage.py", *arguments, env=env)

    run("migrate", "-v0")
    yield run
    run("accounts", "remove", "dumped")


def test_a_dump_of_postgresql_holds_no_usable_key(
    manage: Callable[..., str], tmp_path: Path, postgres_url: str
) -> None:
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
        [pg_dump(), "--dbname", postgres_url], text=True, capture_output=True, timeout=60, check=True
    ).stdout
    assert "dumped" in dump and "gAAAA" in dump
    secrets = [line for line in pem.decode().splitlines() if "-----" not in line]
    secrets += (tmp_path / "data" / "key_ring").read_text().split()
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret in dump] == []
