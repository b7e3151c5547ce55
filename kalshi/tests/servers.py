"""Real processes for tests: the sandbox and the whole product, each on a free port with a folder of its own."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import requests

from kalshi.tests.epochs import ORDINARY

ROOT = Path(__file__).resolve().parents[2]


FIRST_PORT, PORTS_PER_WORKER = 10_000, 2_000
_given: set[int] = set()


def free_port() -> int:
    """A port of loopback that stays free until a server takes it.

    It lies below those that the system gives to connections, and each pytest-xdist worker has a range of its own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for _ in range(PORTS_PER_WORKER):
        port = FIRST_PORT + PORTS_PER_WORKER * worker + secrets.randbelow(PORTS_PER_WORKER)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if port not in _given:
                probe.bind(("127.0.0.1", port))
                _given.add(port)
                return port
    raise AssertionError("no port is free")


def port_is_free(port: int) -> bool:
    """Whether nobody listens on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def bare_environment(home: Path, *, measured: bool = False) -> dict[str, str]:
    """The machine's environment without anything that configures the product or shows it credentials.

    measured: whether the child counts for the coverage, which doubles its time. A few of each kind are enough.
    """
    from dashboard.env import SETTINGS

    names = {setting.name for setting in SETTINGS} | {"DJANGO_SETTINGS_MODULE"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in names and (measured or not name.startswith("COVERAGE_PROCESS"))
    }
    return kept | {"HOME": str(home), "KALSHI_ENV_FILE": os.devnull, "PYTHONUNBUFFERED": "1"}


def ran(
    command: Sequence[str], *, env: Mapping[str, str], cwd: Path = ROOT, **more: Any
) -> subprocess.CompletedProcess[str]:
    """A program that has ended, well or not, within a time that a busy machine keeps to. more: for subprocess.run."""
    return subprocess.run(
        command, cwd=cwd, env=env, text=True, capture_output=True, timeout=120, check=False, **more
    )


def run_python(*arguments: str, env: Mapping[str, str], cwd: Path = ROOT) -> str:
    """What it printed; it has to end well."""
    done = ran([sys.executable, *arguments], env=env, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def wait_until(condition: Callable[[], Any], timeout_s: float = 20.0, what: str = "the condition") -> Any:
    """Poll until the condition is truthy and return it; fail when it never is."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {timeout_s} s")


def csrf_field(page: str) -> dict[str, str]:
    """The hidden field that a form of the page must send back."""
    return {
        "csrfmiddlewaretoken": page.split('name="csrfmiddlewaretoken" value="')[1].split('"', maxsplit=1)[0]
    }


class Process:
    """A child process whose output is collected as it comes."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self.lines: list[str] = []
        self.popen = subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(env),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=1,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for_line(self, pattern: str, timeout_s: float = 30.0) -> re.Match[str]:
        def look() -> re.Match[str] | None:
            for line in list(self.lines):
                if found := re.search(pattern, line):
                    return found
            if self.popen.poll() is not None and not self._reader.is_alive():
                raise AssertionError(f"ended with {self.popen.returncode} before {pattern!r}:\n{self.output}")
            return None

        found: re.Match[str] = wait_until(look, timeout_s, f"the line {pattern!r} in:\n{self.output}\n")
        return found

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout_s: float = 10.0) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        try:
            code = self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(
                f"still running {timeout_s} s after {how.name}:\n{self.output[-3000:]}"
            ) from None
        self._reader.join(5)
        assert self.popen.stdout is not None
        self.popen.stdout.close()
        return code


class Sandbox:
    """A running simulated exchange and its control calls. It begins at `epoch`, never on the day of the run."""

    default_epoch = ORDINARY

    def __init__(self, folder: Path, *arguments: str, port: int = 0, epoch: str | None = None) -> None:
        self.keys_dir = folder / "sandbox-keys"
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "--port",
            str(port),
            "--keys-dir",
            str(self.keys_dir),
            "--epoch",
            epoch or self.default_epoch,
            *arguments,
        ]
        self.process = Process(command, bare_environment(folder))
        try:
            self.base_url = self.process.wait_for_line(r"Sandbox ready (\S+)")[1]
        except BaseException:
            self.process.stop()
            raise
        self.root = self.base_url.removesuffix("/trade-api/v2")
        self.key_ids: dict[str, str] = json.loads((self.keys_dir / "keys.json").read_text())
        self._session = requests.Session()

    def key_path(self, kind: str = "rsa") -> Path:
        return self.keys_dir / f"{kind}.pem"

    def stats(self) -> dict[str, Any]:
        return self._session.get(f"{self.root}/sandbox/stats", timeout=10).json()

    def arrivals(self, operation: str) -> int:
        return int(self.stats()["requests"].get(operation, 0))

    def truth(self) -> dict[str, Any]:
        return self._session.get(f"{self.root}/sandbox/truth", timeout=10).json()

    def fault(self, mode: str, **details: Any) -> None:
        answer = self._session.post(f"{self.root}/sandbox/faults", json={"mode": mode, **details}, timeout=10)
        assert answer.ok, answer.text

    def heal(self) -> None:
        assert self._session.delete(f"{self.root}/sandbox/faults", timeout=10).ok

    def environment(self, kind: str = "rsa") -> dict[str, str]:
        """The settings with which a gateway uses this exchange."""
        return {
            "KALSHI_ENV": "sandbox",
            "KALSHI_BASE_URL": self.base_url,
            "KALSHI_API_KEY_ID": self.key_ids[kind],
            "KALSHI_PRIVATE_KEY_PATH": str(self.key_path(kind)),
        }

    def stop(self) -> None:
        self._session.close()
        self.process.stop()


_making = threading.Lock()


@cache
def _migrated_database() -> Path:
    """A database with all tables and nothing else in them than migrations put there."""
    folder = Path(tempfile.mkdtemp(prefix="kalshi-migrated-"))
    atexit.register(shutil.rmtree, folder)
    env = bare_environment(folder) | {"DATA_DIR": str(folder)}
    run_python("manage.py", "migrate", "--verbosity", "0", env=env)
    return folder / "db.sqlite3"


class Gateway:
    """The whole product as `make run` starts it, and a signed-in client for it."""

    def __init__(self, folder: Path, *, measured: bool = False, empty: bool = False, **env: str) -> None:
        """empty: begin without a database, as the first start of all does; another one finds its tables made."""
        self.data_dir = folder / "data"
        if not (empty or self.data_dir.exists() or "DATABASE_URL" in env):
            self.data_dir.mkdir(mode=0o700)
            with _making:
                shutil.copy(_migrated_database(), self.data_dir)
        self.port = free_port()
        bare = bare_environment(folder, measured=measured)
        self.env = bare | {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)} | env
        self.process = Process([sys.executable, "-m", "dashboard.launch"], self.env)
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        try:
            self.sign_in_link = self.process.wait_for_line(r"Sign in: (\S+)", 60)[1]
            wait_until(self._ready, 20, "readyz 200")
            self.token = self._make_token()
        except BaseException:
            self.stop()
            raise
        self.session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=256))
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def _ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.base_url}/readyz", timeout=5).status_code == 200
        return False

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(f"{self.base_url}{path}", **{"timeout": 30} | options)

    def sign_in(self, link: str | None = None) -> requests.Session:
        """A browser that has clicked the button behind a sign-in link, by default the printed one."""
        link = link or self.sign_in_link
        browser = requests.Session()
        done = browser.post(link, data=csrf_field(browser.get(link, timeout=10).text), timeout=10)
        assert done.status_code == 200 and done.url == f"{self.base_url}/", done.url
        return browser

    def _make_token(self) -> str:
        """What create_token does, without the second and a half that a command needs to start."""
        if "DATABASE_URL" in self.env:
            return self.manage("create_token", "--user", "owner", "--name", "tests").strip()
        token = secrets.token_hex(32)
        digest = hashlib.sha512(token.encode()).hexdigest()
        self._sql(
            "INSERT INTO kalshi_apitoken (digest, token_key, created, name, scope, user_id) "
            "SELECT ?, ?, datetime('now'), 'tests', 'read', id FROM auth_user WHERE username = 'owner'",
            digest,
            token[:15],
        )
        return token

    def set_policies(self, **fields: float | bool) -> None:
        """Give every endpoint the same settings, and wait until they are in force."""
        columns = ", ".join(f"{name} = ?" for name in fields)
        if "DATABASE_URL" in self.env:
            code = f"from kalshi.models import *\nEndpointPolicy.objects.update(**{fields!r})\nPolicyGeneration.bump()"
            self.manage("shell", "-c", code)
        else:
            self._sql(f"UPDATE kalshi_endpointpolicy SET {columns}", *fields.values())
            self._sql("INSERT OR IGNORE INTO kalshi_policygeneration (id, number) VALUES (1, 0)")
            self._sql("UPDATE kalshi_policygeneration SET number = number + 1")
        if "fresh_s" in fields:
            wanted = f"max-age={fields['fresh_s']:g},"
            wait_until(
                lambda: wanted in self.get("/api/v1/kalshi/balance/").headers["Cache-Control"],
                5,
                "the setting",
            )

    def _sql(self, statement: str, *values: object) -> None:
        with contextlib.closing(sqlite3.connect(self.data_dir / "db.sqlite3", timeout=10)) as connection:
            connection.execute(statement, values)
            connection.commit()

    def manage(self, *arguments: str) -> str:
        return run_python("manage.py", *arguments, env=self.env)

    def stop(self) -> int:
        self.session.close()
        return self.process.stop()


@contextlib.contextmanager
def running(make: Callable[[Path], Any]) -> Iterator[Any]:
    """`with running(Sandbox) as sandbox:`; the folder goes with the process."""
    with tempfile.TemporaryDirectory(prefix="kalshi-") as name:
        server = make(Path(name))
        try:
            yield server
        finally:
            server.stop()
