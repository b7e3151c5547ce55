"""HTTP connections that keep one deadline, give each question its own answer, and know when they went stale.

A read time-out starts anew with every byte, so a body that drips never ends, and a time-out for connecting with every
address of a host, so sixteen of them take sixteen times as long. Here connecting, TLS included, has one time for all
addresses, and the time-out that urllib3 sets before an answer is read bounds the whole answer, interim ones, headers
and body: every wait for bytes gets only what is left of it. A connection is kept only when its answer was whole and
nothing has come after it.
"""

import socket
import ssl
import sys
import time
from http.client import RemoteDisconnected
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util import Timeout

from kalshi.upstream.answers import Answer, is_quiet
from kalshi.upstream.dialing import LEAST_S, dial

POOL_SIZE = 128
"""Idle connections kept per host; with more threads than that, connections are dropped with a log line each."""


class StaleConnectionError(ConnectionError):
    """The server closed a kept-alive connection before it took our request; asking again at once is right."""


class Until(Timeout):
    """At most `connect_s` to connect, and the end at `deadline` (monotonic seconds).

    urllib3 copies a time-out before each step; every copy has what is left, whatever the steps before it took.
    """

    def __init__(self, deadline: float, connect_s: float) -> None:
        super().__init__(connect=connect_s, total=max(LEAST_S, deadline - time.monotonic()))
        self.deadline = deadline
        self.connect_s = connect_s

    def clone(self) -> "Until":
        return Until(self.deadline, self.connect_s)


class _Connection(HTTPConnection):
    response_class = Answer
    _answer: Answer | None = None

    def _new_conn(self) -> socket.socket:
        """As urllib3's, but its time-out counts for all addresses together."""
        assert self.timeout is not None  # noqa: S101 - Until always has one
        try:
            sock = dial(self._dns_host, self.port, self.timeout, self.socket_options or ())
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting took too long") from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection: {error}") from error
        sys.audit("http.client.connect", self, self.host, self.port)
        return sock

    def connect(self) -> None:
        super().connect()
        self._answer = None

    def getresponse(self) -> Any:
        has_answered, self._answer = self._answer is not None, None
        try:
            response = super().getresponse()
        except (RemoteDisconnected, ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if has_answered:
                raise StaleConnectionError("closed by the server while idle") from error
            raise
        answer = response._original_response
        self._answer = answer if isinstance(answer, Answer) else None
        return response

    @property
    def is_connected(self) -> bool:
        """Asked before a pooled connection is used again: no late bytes may wait in it."""
        return self.sock is not None and is_quiet(self.sock)

    def settle(self) -> None:
        """The caller is done with the answer: close, unless it is certain that the next one will be the next."""
        may_follow = self._answer is not None and self._answer.may_follow
        if self.sock is not None and not (may_follow and is_quiet(self.sock)):
            self.close()


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Settling(HTTPConnectionPool):
    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.settle()
        super()._put_conn(conn)


class _Pool(_Settling):
    ConnectionCls = _Connection


class _SecurePool(_Settling, HTTPSConnectionPool):
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
