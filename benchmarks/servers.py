"""Everything that is measured, as processes of their own. Whoever starts them chooses their core beforehand."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from kalshi.tests.deploy.nginx import AROUND
from kalshi.tests.servers import Gateway, Process, bare_environment, free_port, wait_until

PROXY = """
proxy_cache_path {folder}/cache keys_zone=plain:10m inactive=10m max_size=256m use_temp_path=off;
upstream behind {{ server 127.0.0.1:{upstream}; keepalive 64; }}
log_format plain escape=json
    '{{"time": "$time_iso8601", "peer": "$remote_addr", "method": "$request_method", "path": "$uri", '
    '"status": $status, "bytes": $body_bytes_sent, "s": $request_time, "cache": "$upstream_cache_status", '
    '"request_id": "$sent_http_x_request_id"}}';
{servers}
"""
PROXY_SERVER = """
server {{
    listen 127.0.0.1:{port};
    access_log {log};
    location / {{
        proxy_pass http://behind;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_cache plain;
        proxy_cache_key "$http_host$request_uri$http_authorization";
        proxy_cache_valid 200 {valid};
        proxy_cache_use_stale updating error timeout;
        proxy_cache_background_update on;
        proxy_cache_lock on;
    }}
}}
"""


class QuietGateway(Gateway):
    """The product as `make run` starts it. Its access log goes to a file, as an administrator would have it.

    The parent reads every line of a Gateway, which at full speed takes time from the very core that is measured.
    """

    def __init__(self, folder: Path, **env: str) -> None:
        self.data_dir = folder / "data"
        self.port = free_port()
        self.env = bare_environment(folder) | {"DATA_DIR": str(self.data_dir), "PORT": str(self.port)} | env
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        began = time.monotonic()
        self.process = Process(
            ["sh", "-c", f'exec "{sys.executable}" -m dashboard.launch 2>"{folder}/access.log"'], self.env
        )
        try:
            self.sign_in_link = self.process.wait_for_line(r"Sign in: (\S+)", 60)[1]
            wait_until(self._ready, 60, "readyz 200")
            self.start_up_s = time.monotonic() - began
            self.token = self.manage("create_token", "--user", "owner", "--name", "benchmark").strip()
        except BaseException:
            self.stop()
            raise
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def _ready(self) -> bool:
        """Several workers that start on one core need longer for their first answer than a test would allow."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.base_url}/readyz", timeout=1).status_code == 200
        return False


@contextlib.contextmanager
def uvicorn(module: str, **env: str) -> Iterator[str]:
    """An application of this folder under our own settings of uvicorn. Yields its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.{module}:application", "--port", str(port)]
    command += ["--no-access-log", "--no-proxy-headers", "--no-server-header", "--ws", "none"]
    process = Process([*command, "--http", "httptools", "--loop", "uvloop"], os.environ | env)
    process.wait_for_line("Uvicorn running on")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis that keeps nothing. Yields its URL."""
    port = free_port()
    program = shutil.which("redis-server")
    if program is None:
        raise RuntimeError(
            "the benchmarks need redis-server; on Debian and Ubuntu: sudo apt-get install redis-server"
        )
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    process = Process(command, os.environ)
    process.wait_for_line("Ready to accept connections")
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.stop()


@contextlib.contextmanager
def plain_nginx(folder: Path, upstream_url: str, *, valid: str) -> Iterator[tuple[str, str]]:
    """nginx with proxy_cache as its manual shows it, and nothing of ours. Yields its URL with and without a log.

    The log line has the fields of ours. The answers have fewer headers than ours, in its favour.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError(
            "the benchmarks need nginx; on Debian and Ubuntu: sudo apt-get install nginx-light"
        )
    ports = free_port(), free_port()
    logs = f"{folder}/access.log plain buffer=64k flush=1s", "off"
    servers = (
        PROXY_SERVER.format(port=port, log=log, valid=valid) for port, log in zip(ports, logs, strict=True)
    )
    upstream = upstream_url.rpartition(":")[2]
    site = PROXY.format(folder=folder, upstream=upstream, servers="".join(servers))
    (folder / "site.conf").write_text(site)
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(AROUND.format(folder=folder, user=user))
    process = Process([program, "-p", str(folder), "-c", str(configuration)], os.environ)
    wait_until(lambda: answers(ports[0]), 10, "nginx listening")
    try:
        yield f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
    finally:
        process.stop()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def our_headers(answer: requests.Response) -> str:
    """The headers of one of our answers as JSON, but for the one that uvicorn adds."""
    return json.dumps(
        {name.lower(): value for name, value in answer.headers.items() if name.lower() != "date"}
    )
