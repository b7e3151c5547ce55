"""Run the ASGI application under uvicorn on a socket that is bound first, so that a busy port is one sentence."""

import errno
import socket

import uvicorn
from django.conf import settings

from kalshi.errors import ConfigError

# Requests that wait for Kalshi are let go after 4 s; the process is gone within 5.
GRACE_S = 4
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Raises ConfigError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as problem:
        listener.close()
        if problem.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"PORT is {port}, which another program uses on {host}; stop it or choose another PORT."
            ) from None
        raise ConfigError(
            f"HOST is {host!r}, port {port}: cannot listen there ({problem.strerror})."
        ) from None
    except OverflowError:
        raise ConfigError(f"PORT is {port}; allowed: a whole number from 1 to 65535.") from None
    listener.listen(BACKLOG)
    return listener


def run(listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        settings.ASGI_APPLICATION,
        loop="auto",
        http="httptools",
        ws="none",
        log_config=None,
        server_header=False,
        access_log=False,  # the edge writes it
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )
    uvicorn.Server(config).run(sockets=[listener])
