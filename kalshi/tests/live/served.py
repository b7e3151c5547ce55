"""`manage.py serve` as a process, and callers on connections that stay open, who notice every lost request."""

from __future__ import annotations

import http.client
import re
import shutil
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from kalshi.tests.servers import Gateway, Process, Sandbox, bare_environment, free_port, wait_until

BALANCE = "/api/v1/kalshi/balance/"
SETUP = """
from django.core.management import call_command
from dashboard.launch import make_owner
from kalshi.models import EndpointPolicy
call_command("migrate", verbosity=0)
make_owner()
EndpointPolicy.objects.filter(operation="get_orders").update(fresh_s=1, patience_s=10)
for scope in ("read", "metrics"):
    call_command("create_token", user="owner", name="tests", scope=scope)
"""
SERVE = ("manage.py", "serve")
LAUNCH = ("-m", "dashboard.launch")


class Prepared:
    """A data folder with everything that a server needs, to be copied: making one takes longer than a start."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.env = bare_environment(folder) | {"DATA_DIR": str(self.data_dir)}
        self.token, self.metrics_token = self.manage("shell", "-v0", "-c", SETUP).split()

    manage = Gateway.manage


class Served(Gateway):
    """The product with any number of processes, as `command` starts it. Orders are fresh for a second only."""

    def __init__(self, folder: Path, prepared: Prepared, *command: str, **env: str) -> None:
        self.data_dir = folder / "data"
        shutil.copytree(prepared.data_dir, self.data_dir, dirs_exist_ok=True)
        self.port = free_port()
        self.env = bare_environment(folder) | {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)} | env
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.token, self.metrics_token = prepared.token, prepared.metrics_token
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.token}"
        self.process = Process([sys.executable, *command], self.env)
        wait_until(self._ready, 30, "readyz 200")

    def metrics(self) -> dict[str, float]:
        """The samples of `/metrics`, by name and labels as they stand there."""
        headers = {"Authorization": f"Bearer {self.metrics_token}"}
        answer = requests.get(f"{self.base_url}/metrics", headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        lines = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def workers(self) -> list[int]:
        """The server processes, in the order in which they came up."""
        pids = [int(found) for found in re.findall(r"Started server process \[(\d+)\]", self.process.output)]
        return [pid for pid in pids if runs(pid)]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def redis_environment(sandbox: Sandbox, redis_url: str) -> dict[str, str]:
    return sandbox.environment() | {"REDIS_URL": redis_url}


class Load:
    """What callers saw: statuses, and the names of the errors of connections."""

    def __init__(self) -> None:
        self.seen: Counter[int | str] = Counter()
        self.stopping = threading.Event()

    def call(self, port: int, token: str, path: str) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self.stopping.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
                answer = connection.getresponse()
                answer.read()
                self.seen[answer.status] += 1
            except (OSError, http.client.HTTPException) as problem:
                self.seen[type(problem).__name__] += 1
                connection.close()
                connection = None
                self.stopping.wait(0.02)
        if connection is not None:
            connection.close()


@contextmanager
def load(gateway: Gateway, callers: int = 8) -> Iterator[Load]:
    """Callers who ask without a pause, at the edge, through Django, and in the shell."""
    under = Load()
    paths = (BALANCE, "/api/v1/status/", "/healthz", "/api/v1/kalshi/positions/?limit=3")
    threads = [
        threading.Thread(target=under.call, args=(gateway.port, gateway.token, paths[number % len(paths)]))
        for number in range(callers)
    ]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: under.seen[200] > 20 * callers, 20, "load")
        yield under
    finally:
        under.stopping.set()
        for thread in threads:
            thread.join()
