"""Start-up over real processes: every fault ends it with one sentence, and every good set-up ends in a served page."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from kalshi.tests.private_keys import new_pem
from kalshi.tests.servers import (
    ROOT,
    Gateway,
    Sandbox,
    bare_environment,
    free_port,
    running,
    wait_until,
)

PEM = new_pem()
KEY_ID = "5b2f1c9e-0000-4000-8000-00000000c0de"
KEY = {"KALSHI_API_KEY_ID": KEY_ID}
MANGLED = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwMANGLEDKEYTEXT\\n-----END PRIVATE KEY-----"
SECRETS = (KEY_ID, PEM.splitlines()[1], "MANGLEDKEYTEXT", "hunter2secret", "C0FFEE")


@dataclass(frozen=True)
class Fault:
    """In env and words {folder} is the fault's own folder (and HOME), {busy} a port in use, {free} one that is not."""

    words: str
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    open_file: str | None = None


FAULTS = {
    "malformed number": Fault(
        "PORT is 'eighty'; allowed: a whole number from 1 to 65535.", {"PORT": "eighty"}
    ),
    "malformed address": Fault(
        "KALSHI_BASE_URL must be", {"KALSHI_BASE_URL": "https://u:hunter2secret@kalshi.example/"}
    ),
    "malformed secret": Fault("REDIS_URL is a value that is not shown", {"REDIS_URL": "hunter2secret"}),
    "proxy that cannot be used": Fault(
        "HTTPS_PROXY must be the address of an HTTP proxy",
        KEY | {"KALSHI_PRIVATE_KEY": PEM, "HTTPS_PROXY": "socks5://ada:hunter2secret@127.0.0.1:9"},
    ),
    "password in an address": Fault(
        "DATABASE_URL has characters that must be percent-encoded",
        {"DATABASE_URL": "postgres://ada:hunter2#secret@127.0.0.1/kalshi"},
    ),
    "settings file missing": Fault("KALSHI_ENV_FILE is '/none/.env'", {"KALSHI_ENV_FILE": "/none/.env"}),
    "settings file malformed": Fault(
        "Line 2 of the settings file",
        {"KALSHI_ENV_FILE": "{folder}/env"},
        {"env": "PORT=1\nhunter2secret x\n"},
    ),
    "half a credential": Fault("KALSHI_PRIVATE_KEY_PATH", KEY),
    "half a credential in files": Fault(
        "no private key", files={".secrets/kalshi.json": f'{{"api_key_id": "{KEY_ID}"}}'}
    ),
    "mangled key": Fault("KALSHI_PRIVATE_KEY", KEY | {"KALSHI_PRIVATE_KEY": MANGLED}),
    "open key file": Fault(
        "chmod 600",
        KEY | {"KALSHI_PRIVATE_KEY_PATH": "{folder}/key.pem"},
        {"key.pem": PEM},
        open_file="key.pem",
    ),
    "prod without credentials": Fault("KALSHI_ENV is 'prod', but no credentials", {"KALSHI_ENV": "prod"}),
    "corrupt database": Fault(
        "db.sqlite3 cannot be used", files={"data/db.sqlite3": "C0FFEE is no database. " * 400}
    ),
    "database away": Fault(
        "correct DATABASE_URL", {"DATABASE_URL": "postgres://ada:hunter2secret@127.0.0.1:{free}/kalshi"}
    ),
    "impossible folder": Fault(
        "DATA_DIR is '{folder}/file/below'", {"DATA_DIR": "{folder}/file/below"}, {"file": ""}
    ),
    "read-only folder": Fault("DATA_DIR is '/proc', which cannot be written", {"DATA_DIR": "/proc"}),
    "damaged secret key": Fault("secret_key is damaged; delete it", files={"data/secret_key": "C0FFEE"}),
    "busy port": Fault("PORT is {busy}, which another program uses", {"PORT": "{busy}"}),
    "busy sandbox port": Fault("SANDBOX_PORT {busy} did not start", {"SANDBOX_PORT": "{busy}"}),
    "no such function": Fault("no_such.function", {"KALSHI_REQUEST_FUNCTION": "no_such.function"}),
}


def start_in_vain(fault: Fault, folder: Path, places: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, content in fault.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(0o644 if name == fault.open_file else 0o600)
    env = bare_environment(folder) | {"DATA_DIR": f"{folder}/data"}
    env |= {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    return subprocess.run(
        [sys.executable, "-m", "dashboard.launch"],
        check=False,
        cwd=ROOT,
        env=env | {name: value.format(**places) for name, value in fault.env.items()},
        text=True,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def vain_starts(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[str, subprocess.CompletedProcess[str]]]:
    """The expected words and what happened, by fault; two processes at a time."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(2) as pool:
        started = {}
        for name, fault in FAULTS.items():
            folder = tmp_path_factory.mktemp("start")
            places = {"folder": str(folder), "busy": str(server.getsockname()[1]), "free": str(free_port())}
            started[name] = fault.words.format(**places), pool.submit(start_in_vain, fault, folder, places)
        return {name: (words, start.result()) for name, (words, start) in started.items()}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_the_start_with_one_sentence(
    name: str, vain_starts: dict[str, tuple[str, subprocess.CompletedProcess[str]]]
) -> None:
    words, start = vain_starts[name]
    assert start.returncode == 1
    assert start.stderr.startswith("error: ")
    assert start.stderr.count("\n") == 1
    assert words in start.stderr
    assert "Sign in" not in start.stdout
    assert not [secret for secret in SECRETS if secret in start.stdout + start.stderr]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Bare:
    """A start without credentials, its settings in a file; PORT in the environment too."""

    gateway: Gateway
    file_port: int
    sandbox_port: int


def start_bare(folder: Path, *, measured: bool = True) -> Bare:
    file_port, sandbox_port = free_port(), free_port()
    file = folder / "settings.env"
    file.write_text(
        f"PORT={file_port}\nexport SANDBOX_PORT={sandbox_port}\nDJANGO_ALLOWED_HOSTS='127.0.0.1, dash.example'\n"
    )
    return Bare(
        Gateway(folder, measured=measured, empty=True, KALSHI_ENV_FILE=str(file)), file_port, sandbox_port
    )


@pytest.fixture(scope="module")
def bare_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    start = start_bare(tmp_path_factory.mktemp("bare"))
    yield start
    start.gateway.stop()


class TestWithoutCredentials:
    def test_it_says_loudly_that_the_data_are_simulated_and_how_to_sign_in(self, bare_start: Bare) -> None:
        gateway = bare_start.gateway
        assert "SIMULATED DATA" in gateway.process.output
        assert f"Kalshi gateway on {gateway.base_url} (sandbox)" in gateway.process.output
        assert gateway.sign_in_link.startswith(f"{gateway.base_url}/sign-in/")

    def test_it_serves_the_sandboxs_account(self, bare_start: Bare) -> None:
        gateway = bare_start.gateway
        assert gateway.get("/readyz").status_code == 200
        truth = requests.get(f"http://127.0.0.1:{bare_start.sandbox_port}/sandbox/truth", timeout=10).json()
        assert truth["cash_dollars"].startswith(
            gateway.get("/api/v1/kalshi/balance/").json()["balance_dollars"]
        )

    def test_the_settings_file_holds_and_the_environment_goes_first(self, bare_start: Bare) -> None:
        start = bare_start
        assert not is_free(start.gateway.port)
        assert is_free(start.file_port)
        assert not is_free(start.sandbox_port)
        answer = start.gateway.get("/sign-in/", headers={"Host": "dash.example"})
        assert answer.status_code == 200
        assert start.gateway.get("/sign-in/", headers={"Host": "other.example"}).status_code == 400

    def test_what_it_writes_is_only_for_its_owner(self, bare_start: Bare) -> None:
        folder = bare_start.gateway.data_dir
        private = [
            folder,
            folder / "secret_key",
            folder / "sandbox" / "rsa.pem",
            folder / "sandbox" / "ed25519.pem",
        ]
        assert not [path for path in private if path.stat().st_mode & 0o077]


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)], ids=["term", "int"])
def test_a_signal_ends_server_and_sandbox_within_five_seconds(
    tmp_path: Path, how: signal.Signals, code: int
) -> None:
    start = start_bare(tmp_path, measured=False)
    try:
        assert not is_free(start.sandbox_port)
        began = time.monotonic()
        assert start.gateway.process.stop(how) == code
        assert time.monotonic() - began < 5
        assert is_free(start.gateway.port)
        assert is_free(start.sandbox_port)
        assert "Traceback" not in start.gateway.process.output
    finally:
        start.gateway.stop()


def test_a_sandbox_whose_parent_was_killed_ends(tmp_path: Path) -> None:
    start = start_bare(tmp_path, measured=False)
    try:
        assert not is_free(start.sandbox_port)
        start.gateway.process.popen.kill()
        wait_until(lambda: is_free(start.sandbox_port), 30, "the end of the sandbox")
    finally:
        start.gateway.stop()


def test_with_credentials_no_sandbox_is_started(tmp_path: Path) -> None:
    port = free_port()
    with running(Sandbox) as exchange:
        gateway = Gateway(tmp_path, **exchange.environment("ed25519"), SANDBOX_PORT=str(port))
        try:
            assert "SIMULATED DATA" not in gateway.process.output
            assert is_free(port)
            assert not (gateway.data_dir / "sandbox").exists()
            assert gateway.get("/api/v1/kalshi/balance/").status_code == 200
            assert exchange.arrivals("get_balance") == 1
        finally:
            gateway.stop()
        secrets = [exchange.key_ids["ed25519"], exchange.key_path("ed25519").read_text().splitlines()[1]]
        assert not [secret for secret in secrets if secret in gateway.process.output]
