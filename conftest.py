"""What tests of every part share: a real Redis, because an imitation would prove nothing about ours."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings

from kalshi.tests.epochs import EPOCHS
from kalshi.tests.servers import Sandbox, free_port

# A shell that starts us in the background has us ignore SIGINT; every server that a test stops with it would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no finding: only what a property says counts, not how long an example took.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

pytest_plugins = ["upkeep.repeats"]

START_DEADLINE_S = 10.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--epoch", help="where exchanges begin that a test gives no moment of their own")


def pytest_configure(config: pytest.Config) -> None:
    Sandbox.default_epoch = config.getoption("--epoch") or Sandbox.default_epoch


@pytest.fixture(params=EPOCHS.values(), ids=EPOCHS.keys())
def any_epoch(request: pytest.FixtureRequest) -> str:
    """Each of the moments of kalshi/tests/epochs.py."""
    return str(request.param)


class RedisServer:
    """A redis-server of its own on a free loopback port, which keeps nothing; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Return when it answers."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail(
                "redis-server is not on PATH; install it (on Debian: apt-get install redis-server).",
                pytrace=False,
            )
        options = {"bind": "127.0.0.1", "port": str(self._port), "dir": str(self._folder)}
        options |= {"save": "", "appendonly": "no", "logfile": "redis.log"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        # Under faketime's library it does not start.
        self._process = subprocess.Popen([program, *arguments], env=os.environ | {"LD_PRELOAD": ""})
        deadline = time.monotonic() + START_DEADLINE_S
        while not _answers(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                log = self._folder / "redis.log"
                pytest.fail(
                    f"redis-server did not start:\n{log.read_text() if log.exists() else ''}", pytrace=False
                )
            time.sleep(0.02)  # a poll with a deadline

    def stop(self) -> None:
        """Kill it, as an outage would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """The database of the tests, without the triggers of the audit log: tests with transactions empty every table."""
    from django.db import connection

    from kalshi.models import append_only

    with django_db_blocker.unblock():
        append_only.remove(connection)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis for the whole run. Tests share it: use keys of your own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one test, which may stop and start it."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL on a free loopback port, with a folder of its own, gone at the end."""
    # It refuses to run as root.
    identity: dict[str, Any] = (
        {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    )
    with tempfile.TemporaryDirectory(prefix="kalshi-pg-") as folder:
        if identity:
            shutil.chown(folder, "postgres", "postgres")
        data, port = f"{folder}/data", free_port()
        make = [
            _postgres_program("initdb"),
            "-D",
            data,
            "-U",
            "kalshi",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
        ]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **identity)
        server = [_postgres_program("postgres"), "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
        with open(f"{folder}/log", "w") as log:  # noqa: PTH123
            process = subprocess.Popen([*server, "-F"], stdout=log, stderr=log, cwd=folder, **identity)
        try:
            _wait_for_port(port, process)
            yield f"postgresql://kalshi@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def _postgres_program(name: str) -> str:
    """From PATH, else from where Debian puts it."""
    found = [
        shutil.which(name),
        *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True),
    ]
    if not any(found):
        pytest.fail(f"{name} is missing; on Debian and Ubuntu: sudo apt-get install postgresql")
    return next(path for path in found if path)


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=port, user="kalshi", dbname="postgres").close()
            return
        time.sleep(0.05)
    pytest.fail("PostgreSQL did not start")


# Whole folders and files whose tests are drills: they load the machine, or tell how long something took. Two at a time.
DRILLS = (
    "dashboard/tests/test_launch.py::test_a_signal_ends",
    "kalshi/tests/cache/test_processes.py",
    "kalshi/tests/deploy/test_nginx_cache.py",
    "kalshi/tests/deploy/test_systemd.py",
    "kalshi/tests/live/test_serve.py",
    "kalshi/tests/live/test_several_servers.py",
    "kalshi/tests/live/test_sharing.py",
)

# Those that judge by less than a second, or by what all processors together achieve.
ALONE = (
    "kalshi/tests/chaos/",
    "kalshi/tests/limits/test_processes.py",
    "kalshi/tests/live/test_outage.py",
    "kalshi/tests/test_redis_link.py",
)


# Whole products and browsers, on a machine that may stand still for seconds: one that fails is run once more, and the
# summary names it. What runs within one process has no such excuse.
SERVERS = (
    "dashboard/tests/test_launch.py",
    "dashboard/tests/test_manage.py",
    "dashboard/tests/test_surroundings.py",
    "kalshi/tests/browser/",
    "kalshi/tests/clients/",
    "kalshi/tests/demo/test_demo.py",
    "kalshi/tests/deploy/",
    "kalshi/tests/edge/",
    "kalshi/tests/gateway/test_key_usage.py",
    "kalshi/tests/gateway/test_live.py",
    "kalshi/tests/live/",
    "kalshi/tests/openapi/",
    "kalshi/tests/verify_setup/",
    "kalshi/tests/test_worker_files.py",
    "sandbox/tests/test_main.py",
)

# Not traced for the coverage, which makes everything two to three times as slow: what talks to servers is no code of
# ours, and what goes the same way for the thousandth time tells nothing that others have not told.
UNTRACED = (
    "dashboard/tests/test_launch.py",
    "kalshi/tests/admin/test_rights.py::test_each_page",
    "kalshi/tests/browser/",
    "kalshi/tests/clients/",
    "kalshi/tests/demo/test_demo.py",
    "kalshi/tests/deploy/",
    "kalshi/tests/edge/test_equality.py",
    "kalshi/tests/edge/test_signed.py",
    "kalshi/tests/gateway/test_live.py",
    "kalshi/tests/gateway/test_walk.py",
    "kalshi/tests/live/",
    "kalshi/tests/openapi/test_agreement.py",
    "kalshi/tests/openapi/test_document.py::test_it_is_valid_openapi",
    "kalshi/tests/openapi/test_fuzzing.py",
    "sandbox/tests/test_books.py",
    "sandbox/tests/test_schemas.py",
    "sandbox/tests/test_world.py",
)

# Begun first, so that at the end no worker has a long one left while the others have nothing; a folder stays together
# for the servers that its files share.
LONGEST = (
    "kalshi/tests/openapi/",
    "kalshi/tests/live/test_accounts.py",
    "kalshi/tests/live/test_serve.py",
    "kalshi/tests/browser/",
    "kalshi/tests/clients/",
    "kalshi/tests/gateway/",
    "kalshi/tests/edge/",
    "kalshi/tests/deploy/",
    "kalshi/tests/live/",
    "dashboard/tests/",
    "kalshi/tests/verify_setup/",
    "sandbox/tests/",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark the drills, before `-m` looks, and what is run once more; sort when everybody else has."""
    for item in items:
        if item.nodeid.startswith(DRILLS):
            item.add_marker(pytest.mark.drill)
        if item.nodeid.startswith(ALONE):
            item.add_marker(pytest.mark.alone)
        if item.nodeid.startswith(SERVERS) and not item.get_closest_marker("chaos"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    yield
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Among the longest; the rest keeps the order in which it came."""
    return next((at for at, start in enumerate(LONGEST) if item.nodeid.startswith(start)), len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run what is named above as if there were no coverage; the servers that it starts decide for themselves."""
    traced = sys.gettrace(), threading.gettrace()
    if item.nodeid.startswith(UNTRACED):
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type] # as threading itself has it at first
    try:
        return (yield)
    finally:
        if sys.gettrace() is not traced[0]:
            threading.settrace(traced[1])  # type: ignore[arg-type]
            sys.settrace(traced[0])
