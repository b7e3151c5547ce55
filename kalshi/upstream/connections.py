"""HTTP connections that keep one deadline and know when they went stale.

A read time-out starts anew with every byte, so a body that drips never ends. Here the time-out that urllib3
sets before an answer is read bounds the whole answer, headers and body: every wait for bytes gets only
what is left of it. This works below buffering, chunking and TLS, and needs no second thread.
"""

import io
import ssl
import time
from http.client import HTTPResponse, RemoteDisconnected
from socket import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

POOL_SIZE = 128
"""Idle connections kept per host; with more threads than that, connections are dropped with a log line each."""


class StaleConnectionError(ConnectionError):
    """The server closed a kept-alive connection before it took our request; asking again at once is right."""


class _DeadlineReader(io.RawIOBase):
    """A socket's byte stream whose every read waits only until the deadline."""

    def __init__(self, stream: io.RawIOBase, sock: socket, allowance_s: float | None) -> None:
        super().__init__()
        self._stream = stream
        self._sock = sock
        self._deadline = None if allowance_s is None else time.monotonic() + allowance_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self._deadline is not None:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the deadline of this answer is over")
            self._sock.settimeout(left_s)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    """An answer that must be whole within the socket's time-out at the moment reading starts."""

    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        stream = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(stream, sock, sock.gettimeout()))


class _Connection(HTTPConnection):
    response_class = _DeadlineResponse
    _has_answered = False

    def connect(self) -> None:
        super().connect()
        self._has_answered = False

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()
        except (RemoteDisconnected, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if self._has_answered:
                raise StaleConnectionError("closed by the server while idle") from error
            raise
        self._has_answered = True
        return response


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class DeadlineAdapter(HTTPAdapter):
    """requests' adapter over these connections; retries nothing by itself."""

    def __init__(self) -> None:
        super().__init__(pool_connections=4, pool_maxsize=POOL_SIZE, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        _use_our_pools(manager)
        return manager

    def close(self) -> None:
        """Close the idle connections now; by itself urllib3 leaves that to the garbage collector."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118  # not a mapping one can iterate
                pool = manager.pools.get(key)
                if pool is not None:
                    pool.close()
        super().close()


def _use_our_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
