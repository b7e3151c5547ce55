"""Run the ASGI application under uvicorn: in this process, or in several with a supervisor over them."""

import ipaddress
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial

import uvicorn
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from uvicorn.config import STARTUP_FAILURE

from kalshi.errors import ConfigError, KalshiError
from kalshi.server import descriptors, heap, stopping
from kalshi.server.bounded import OfTheProcess
from kalshi.server.connections import Connections
from kalshi.server.slow_readers import ReadersProtocol
from kalshi.server.sockets import BACKLOG, raise_limit
from kalshi.server.supervisor import Supervisor
from kalshi.services import worker_files

# From the end of the drain; leaves the rest of the five seconds for the application to close.
GRACE_S = 3.5
# How long a thread keeps the interpreter while the event loop waits for it. With Python's 5 ms, one request in a
# hundred waits for a thread's turn at full load.
SWITCH_S = 0.0003
# A worker that is silent for so long is replaced, and a new one must be ready by then.
HEALTH_S = 10

log = logging.getLogger("kalshi.server")


class Config(uvicorn.Config):
    """Loads the application so that whatever is wrong with it is one sentence and uvicorn's code for a failed start.

    Without that code the supervisor would start a worker again and again that cannot run.
    """

    def load(self) -> None:
        stopping.watch_from_start()
        heap.give_back_what_is_freed()
        sys.setswitchinterval(SWITCH_S)
        try:
            super().load()
            # Needs the application's models, which are there now.
            from kalshi.services import engine

            engine.serve()
        except (KalshiError, ImproperlyConfigured) as problem:
            log.critical("The server cannot start: %s", problem)
        except Exception:
            log.critical("The server cannot start.", exc_info=True)
        else:
            return
        sys.exit(STARTUP_FAILURE)


def config(workers: int) -> Config:
    """Raises ConfigError when the system lets us open too little."""
    limit = raise_limit()
    descriptors.refuse_too_few(limit)
    shares = descriptors.shares(limit)
    connections = Connections(shares.strangers, shares.caller, shares.together)
    proxies = list(with_mapped(getattr(settings, "TRUSTED_PROXIES", ())))
    return Config(
        settings.ASGI_APPLICATION,
        loop="auto",
        http=partial(ReadersProtocol, of_the_process=OfTheProcess(proxies, connections)),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        server_header=False,
        access_log=False,  # the edge writes it
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=GRACE_S,  # type: ignore[arg-type]  # asyncio takes fractions
        timeout_worker_healthcheck=HEALTH_S,
        backlog=BACKLOG,
        workers=workers,
    )


def with_mapped(networks: Iterable[str]) -> Iterator[str]:
    """Each network, and for IPv4 its spelling on a socket that serves both families: `::ffff:10.0.0.0/104`."""
    for text in networks:
        network = ipaddress.ip_network(text)
        yield str(network)
        if network.version == 4:
            yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def refuse_workers_without_redis(workers: int) -> None:
    """Raises ConfigError."""
    alias = settings.KALSHI.get("CACHE_ALIAS", "kalshi")
    if workers > 1 and "redis" not in settings.CACHES[alias]["BACKEND"].lower():
        raise ConfigError(
            f"WORKERS is {workers}, but REDIS_URL is not set: without Redis the processes share neither the cache "
            "nor the account's rate budget, and together would overdraw it; set REDIS_URL, or WORKERS to 1."
        )


def run_alone(listener: socket.socket) -> None:
    """Serve in this process until SIGTERM or SIGINT, which is raised again at the end."""
    uvicorn.Server(config(1)).run(sockets=[listener])


def run_supervised(listener: socket.socket, workers: int, *, reload_on_hangup: bool) -> None:
    """Serve in `workers` processes until SIGTERM or SIGINT; for SIGINT raises KeyboardInterrupt at the end.

    SIGHUP replaces the workers one after the other, or counts as SIGTERM. Raises ConfigError when one cannot start.
    """
    with tempfile.TemporaryDirectory(prefix="kalshi-workers-") as folder, worker_files.shared_folder(folder):
        supervisor = Supervisor(config(workers), [listener], reload_on_hangup=reload_on_hangup)
        supervisor.run()
    if supervisor.failed:
        raise ConfigError("A server process could not start; the line above says why.")
    if supervisor.ended_by == signal.SIGINT:
        raise KeyboardInterrupt
