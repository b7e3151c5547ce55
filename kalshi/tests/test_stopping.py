"""A server that is told to stop before it serves, or whose supervisor is gone by then, ends all the same."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kalshi.tests.servers import Process, bare_environment, free_port, port_is_free, wait_until

LAST_RESORT_S = 1.0

# What is started: alone, or as the only worker of a supervisor. `application` is the module below.
SERVER = f"""
import socket, sys
from kalshi.server import stopping
stopping.LAST_RESORT_S = {LAST_RESORT_S}
import uvicorn
from kalshi.server.serving import Config
from kalshi.server.supervisor import Supervisor

if __name__ == "__main__":
    config = Config("application:application", lifespan="on", ws="none", workers=1)
    with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as listener:
        if sys.argv[1] == "alone":
            uvicorn.Server(config).run([listener])
        else:
            Supervisor(config, [listener], reload_on_hangup=False).run()
"""

# Stays for ever at the point of its start that STAY names; SIGNALS reach it between its handlers and its listeners.
APPLICATION = """
import asyncio, os, signal, sys, time, types
from kalshi.server.stopping import Stop

# It needs all of Django, and has no part in this.
sys.modules["kalshi.services.engine"] = types.SimpleNamespace(serve=lambda: None)

def arrive(where):
    print("arrived:", where, flush=True)
    if os.environ.get("STAY") == where:
        time.sleep(60)

async def application(scope, receive, send):
    await receive()
    arrive("lifespan")
    Stop(drain=lambda: None, let_go=lambda seconds: None).watch()
    arrive("watched")
    for _ in range(int(os.environ.get("SIGNALS", 0))):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.01)
    await send({"type": "lifespan.startup.complete"})
    arrive("end of the start")
    await receive()
    await send({"type": "lifespan.shutdown.complete"})

async def nothing():
    pass

arrive("load")
"""

Start = Callable[..., Process]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "application.py").write_text(APPLICATION)
    started = []

    def run(how: str, **env: str) -> Process:
        names = bare_environment(tmp_path) | {"PYTHONPATH": f"{Path.cwd()}:{tmp_path}"} | env
        started.append(Process([sys.executable, str(tmp_path / "server.py"), how, str(port)], names))
        return started[-1]

    yield run
    for process in started:
        process.stop(signal.SIGKILL)


@pytest.mark.parametrize("signals", ["1", "2"])
def test_a_stop_between_the_handlers_and_the_listeners_ends_it(start: Start, signals: str) -> None:
    server = start("alone", SIGNALS=signals)
    server.wait_for_line("end of the start")
    server.popen.wait(10)
    assert "Error" not in server.output
    assert "Traceback" not in server.output


@pytest.mark.parametrize("where", ["load", "lifespan", "watched"])
def test_a_stop_ends_a_start_that_hangs_in_time(start: Start, where: str) -> None:
    server = start("alone", STAY=where)
    server.wait_for_line(f"arrived: {where}$")
    server.popen.send_signal(signal.SIGTERM)
    assert server.popen.wait(LAST_RESORT_S + 5) == 0


@pytest.mark.parametrize("where", ["load", "lifespan", "watched"])
def test_a_worker_that_starts_while_its_supervisor_is_killed_gives_the_port_back(
    start: Start, port: int, where: str
) -> None:
    server = start("supervised", STAY=where)
    server.wait_for_line(f"arrived: {where}$")
    server.popen.kill()
    wait_until(lambda: port_is_free(port), LAST_RESORT_S + 5, "the end of the worker")
