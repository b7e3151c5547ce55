"""Several server processes: started, replaced, reloaded and stopped, over real HTTP."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from kalshi.tests.drills import Drills
from kalshi.tests.live.served import BALANCE, LAUNCH, SERVE, Prepared, Served, load, redis_environment, runs
from kalshi.tests.servers import (
    ROOT,
    Gateway,
    Process,
    Sandbox,
    bare_environment,
    csrf_field,
    free_port,
    port_is_free,
    running,
    wait_until,
)

WAITING = 100
COPIED = "/api/v1/kalshi/orders/?limit=7"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("prepared"))


@pytest.fixture(scope="module")
def served(sandbox: Sandbox, redis_url: str, prepared: Prepared) -> Iterator[Served]:
    env = redis_environment(sandbox, redis_url) | {"TRUSTED_PROXIES": "127.0.0.1"}
    with running(lambda folder: Served(folder, prepared, *SERVE, "--workers", "2", **env)) as server:
        wait_until(lambda: len(server.workers()) == 2, 20, "two workers")
        yield server


def in_vain(folder: Path, command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    names = bare_environment(folder) | {"DATA_DIR": f"{folder}/data", "PORT": str(free_port())} | env
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=names,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "env"),
    [
        (["manage.py", "serve", "--workers", "2"], {}),
        (["manage.py", "serve"], {"WORKERS": "2"}),
        (["-m", "dashboard.launch"], {"WORKERS": "2"}),
    ],
    ids=["option", "variable", "make run"],
)
def test_several_workers_without_redis_are_refused_in_one_sentence(
    tmp_path: Path, sandbox: Sandbox, command: list[str], env: dict[str, str]
) -> None:
    ended = in_vain(tmp_path, command, **sandbox.environment(), **env)
    assert ended.returncode == 1
    sentence = ended.stderr.strip()
    assert "WORKERS is 2, but REDIS_URL is not set" in sentence and "rate budget" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:", "127.0.0.1:99999", "::1:8000", "a b:80"])
def test_an_address_that_cannot_be_is_refused_in_one_sentence(bind: str) -> None:
    from kalshi.errors import ConfigError
    from kalshi.server import sockets

    with pytest.raises(ConfigError, match="allowed: HOST:PORT"):
        sockets.parse(bind)


def test_a_worker_that_is_killed_is_replaced(served: Served) -> None:
    before = served.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(set(served.workers()) - set(before)) == 1, 10, "a new worker")
    assert len(served.workers()) == 2
    assert served.get("/readyz").status_code == 200


def test_a_reload_replaces_every_worker_and_loses_no_request(served: Served) -> None:
    before = served.workers()
    with load(served) as under:
        served.process.popen.send_signal(signal.SIGHUP)
        wait_until(lambda: not any(map(runs, before)) and len(served.workers()) == 2, 30, "two new workers")
        answered = under.seen[200]
        wait_until(lambda: under.seen[200] > answered + 100, 10, "answers of the new workers")
    assert set(under.seen) == {200}


def test_a_reload_that_cannot_start_keeps_the_workers(served: Served, sandbox: Sandbox) -> None:
    before = served.workers()
    sandbox.key_path().chmod(0o644)
    try:
        served.process.popen.send_signal(signal.SIGHUP)
        served.process.wait_for_line("keeping worker")
    finally:
        sandbox.key_path().chmod(0o600)
    assert "The server cannot start: " in served.process.output
    assert served.workers() == before
    assert served.get(BALANCE).status_code == 200


def test_a_worker_that_cannot_start_ends_everything_with_a_sentence(
    tmp_path: Path, sandbox: Sandbox, prepared: Prepared
) -> None:
    server = Served(tmp_path, prepared, *SERVE, **sandbox.environment())
    sandbox.key_path().chmod(0o644)
    try:
        os.kill(server.workers()[0], signal.SIGKILL)
        assert server.process.popen.wait(20) == 1
    finally:
        sandbox.key_path().chmod(0o600)
        server.stop()
    assert "chmod 600" in server.process.output
    assert server.process.lines[-1] == (
        "CommandError: A server process could not start; the line above says why."
    )
    assert "Traceback" not in server.process.output


def test_workers_whose_supervisor_was_killed_give_the_port_back(
    tmp_path: Path, sandbox: Sandbox, prepared: Prepared
) -> None:
    server = Served(tmp_path, prepared, *SERVE, **sandbox.environment())
    workers = server.workers()
    server.process.stop(signal.SIGKILL)
    wait_until(lambda: not any(map(runs, workers)), 5, "the end of the worker")
    server.session.close()


def test_a_new_worker_whose_supervisor_was_killed_gives_the_port_back_too(
    tmp_path: Path, sandbox: Sandbox, redis_url: str, prepared: Prepared
) -> None:
    command, env = (*SERVE, "--workers", "2"), redis_environment(sandbox, redis_url)
    server = Served(tmp_path, prepared, *command, **env)
    wait_until(lambda: len(server.workers()) == 2, 20, "two workers")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.process.wait_for_line("Child process .* died")
    server.process.stop(signal.SIGKILL)
    server.session.close()
    wait_until(lambda: port_is_free(server.port), 10, "the end of the workers")


def test_the_sign_ins_of_an_address_are_counted_by_all_processes_together(served: Served) -> None:
    page = f"{served.base_url}/sign-in/"
    first = requests.get(page, timeout=10)
    address = {"X-Forwarded-For": f"2001:db8::{secrets.token_hex(2)}"}
    began = time.monotonic()

    def tried(_: int) -> int:
        # A connection for each, so that every process gets some.
        options: dict[str, Any] = {"data": csrf_field(first.text), "cookies": first.cookies, "timeout": 20}
        return requests.post(page, headers=address, **options).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = Counter(pool.map(tried, range(75)))
    come_back = int((time.monotonic() - began) * 0.5) + 1
    assert set(statuses) == {200, 429}
    assert 30 <= statuses[200] <= 30 + come_back


@pytest.mark.parametrize("command", [SERVE, LAUNCH], ids=["serve", "make run"])
def test_without_redis_a_second_server_on_the_same_folder_is_one_sentence(
    gateway: Gateway, command: tuple[str, ...], tmp_path: Path, sandbox: Sandbox
) -> None:
    env = sandbox.environment() | {"DATA_DIR": str(gateway.data_dir)}
    done = in_vain(tmp_path, [*command], **env)
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.strip().splitlines()
    pid = gateway.process.popen.pid
    assert f"Another server (process {pid}) runs on DATA_DIR '{gateway.data_dir}'" in line
    assert gateway.get(BALANCE).status_code == 200


def test_with_redis_two_servers_may_share_a_folder(
    served: Served, sandbox: Sandbox, redis_url: str, tmp_path: Path
) -> None:
    env = served.env | redis_environment(sandbox, redis_url) | {"PORT": str(free_port())}
    second = Process([sys.executable, *SERVE], env)
    try:
        second.wait_for_line(r"Started server process")
    finally:
        assert second.stop() == 0


def test_a_redis_that_is_not_there_at_the_start_is_said_at_once_and_nobody_is_refused(
    tmp_path: Path, sandbox: Sandbox, prepared: Prepared
) -> None:
    away = f"redis://:hunter2secret@127.0.0.1:{free_port()}/0"
    shutil.copytree(prepared.data_dir, tmp_path / "data")
    names = {"DATA_DIR": f"{tmp_path}/data", "PORT": str(free_port()), "REDIS_URL": away}
    server = Process([sys.executable, *SERVE], bare_environment(tmp_path) | sandbox.environment() | names)
    try:
        server.wait_for_line("Application startup complete")
        (line,) = [line for line in server.lines if "Redis does not answer" in line]
        assert '"level": "error"' in line
        base = f"http://127.0.0.1:{names['PORT']}"
        headers = {"Authorization": f"Bearer {prepared.token}"}
        assert requests.get(base + BALANCE, headers=headers, timeout=10).status_code == 200
        ready = requests.get(f"{base}/readyz", timeout=10)
        assert (ready.status_code, ready.json()["checks"]["cache"]) == (503, False)
    finally:
        server.stop()
    assert "hunter2secret" not in server.output


class Callers:
    """People who wait for an exchange that hangs; the last one has an old copy in the cache."""

    def __init__(self, server: Served, sandbox: Sandbox) -> None:
        self._server = server
        self._answers: list[tuple[bool, requests.Response, float]] = []
        server.get(COPIED)
        stored_at = time.monotonic()
        wait_until(lambda: time.monotonic() - stored_at > 1.1, what="the end of its fresh time")
        sandbox.fault("hang", operations=["get_events", "get_orders"])
        paths = [f"/api/v1/kalshi/events/?limit={1 + number % 40}" for number in range(WAITING - 1)]
        self._threads = [threading.Thread(target=self._call, args=(path,)) for path in [*paths, COPIED]]
        for thread in self._threads:
            thread.start()
        wait_until(lambda: server.metrics()["kalshi_waiting_callers"] == WAITING, 15, "waiting callers")

    def _call(self, path: str) -> None:
        headers = {"Authorization": f"Bearer {self._server.token}"}
        answer = requests.get(self._server.base_url + path, headers=headers, timeout=20)
        self._answers.append((path == COPIED, answer, time.monotonic()))

    def check(self, signalled_at: float) -> None:
        """Everybody was answered, by the rule."""
        for thread in self._threads:
            thread.join()
        assert len(self._answers) == WAITING
        for copied, answer, at in self._answers:
            assert at - signalled_at < 4
            if copied:
                assert answer.status_code == 200
                assert "; hit; ttl=-" in answer.headers["Cache-Status"]
            else:
                assert answer.status_code == 503
                assert int(answer.headers["Retry-After"]) >= 1


@dataclass(frozen=True)
class Drill:
    """kind: what the server does when the signal comes: "idle", "load" or "waiting"."""

    kind: str
    workers: int
    how: signal.Signals

    def run(self, folder: Path, prepared: Prepared, redis_url: str) -> float:
        """Seconds from the signal to the end of the last process; checks on the way that everybody is answered."""
        with running(lambda place: Sandbox(place, "--speed", "0")) as sandbox:
            return self._run(folder, prepared, sandbox, redis_url)

    def _run(self, folder: Path, prepared: Prepared, sandbox: Sandbox, redis_url: str) -> float:
        if self.workers > 1:
            command = (*SERVE, "--workers", str(self.workers))
            server = Served(folder, prepared, *command, **redis_environment(sandbox, redis_url))
        else:
            server = Served(folder, prepared, *LAUNCH, **sandbox.environment())
        try:
            wait_until(lambda: len(server.workers()) == self.workers, 20, "the workers")
            workers = server.workers()
            took_s = getattr(self, self.kind)(server, sandbox)
            assert not any(map(runs, workers))
            assert "Traceback" not in server.process.output
            return float(took_s)
        finally:
            server.stop()

    def idle(self, server: Served, sandbox: Sandbox) -> float:
        server.get("/readyz")  # its connection stays open
        return self._stop(server)

    def load(self, server: Served, sandbox: Sandbox) -> float:
        with load(server) as under:
            took_s = self._stop(server)
        # Who came after the port was closed found nobody; nothing else went wrong.
        assert set(under.seen) <= {200, "ConnectionRefusedError", "ConnectionResetError"}, under.seen
        return took_s

    def waiting(self, server: Served, sandbox: Sandbox) -> float:
        callers = Callers(server, sandbox)
        began = time.monotonic()
        took_s = self._stop(server)
        callers.check(began)
        return took_s

    def _stop(self, server: Served) -> float:
        began = time.monotonic()
        server.process.stop(self.how)
        return time.monotonic() - began


DRILLS = (
    Drill("waiting", 1, signal.SIGINT),
    Drill("waiting", 2, signal.SIGTERM),
    Drill("idle", 2, signal.SIGINT),
    Drill("load", 1, signal.SIGTERM),
    Drill("load", 2, signal.SIGTERM),
)


def test_whoever_connects_while_the_workers_stop_is_refused_at_once(
    prepared: Prepared, redis_url: str, sandbox: Sandbox
) -> None:
    env = redis_environment(sandbox, redis_url)
    with running(lambda folder: Served(folder, prepared, *SERVE, "--workers", "2", **env)) as server:
        wait_until(lambda: len(server.workers()) == 2, 20, "two workers")
        with socket.create_connection(("127.0.0.1", server.port)) as half_sent:
            half_sent.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert half_sent.recv(1_000).startswith(b"HTTP/1.1 200")
            # It keeps a worker, and so the supervisor, for as long as a stop may last.
            half_sent.sendall(b"POST /sign-in/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")
            server.process.popen.send_signal(signal.SIGTERM)
            wait_until(lambda: port_is_free(server.port), 10, "the end of the listening")
            assert server.process.popen.poll() is None
        server.process.popen.wait(10)


@pytest.fixture(scope="module")
def stops(
    tmp_path_factory: pytest.TempPathFactory, prepared: Prepared, redis_url: str
) -> Iterator[Drills[Drill, float]]:
    """All drills, two at a time: most of their time is waiting."""
    with ThreadPoolExecutor(2) as pool:
        yield Drills(
            pool, lambda drill: drill.run(tmp_path_factory.mktemp("stop"), prepared, redis_url), DRILLS
        )


@pytest.mark.parametrize("drill", DRILLS, ids=str)
def test_it_is_gone_within_five_seconds_and_answers_everybody(
    stops: Drills[Drill, float], drill: Drill
) -> None:
    with stops.judged(drill) as took_s:
        assert took_s < 5


@pytest.mark.chaos
@pytest.mark.timeout(900)
def test_it_is_gone_within_five_seconds_fifty_times_of_fifty(
    tmp_path: Path, prepared: Prepared, redis_url: str
) -> None:
    took_s = []
    for number in range(50):
        folder = tmp_path / str(number)
        folder.mkdir()
        took_s.append(DRILLS[number % len(DRILLS)].run(folder, prepared, redis_url))
    assert len(took_s) == 50
    assert max(took_s) < 5
