"""A stand-in for the gateway that tells exactly what nginx asked it, and answers what a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, f"{name} came twice: {found}"
        return found[0] if found else None


@dataclass
class Reply:
    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


class SpyGateway:
    """`reply` makes the answer to a request; None breaks the connection off instead. It may block, which then holds up
    that request alone.
    """

    def __init__(self, reply: Callable[[Asked], Reply | None]) -> None:
        self.reply = reply
        self.keeps_connections = False  # so that nothing answers any more once it went away
        self.asked: list[Asked] = []
        self._server: Server | None = None
        self.port = 0
        self.start_again()

    def start_again(self) -> None:
        """Listen, on the port of before if there was one; do nothing when it does."""
        if self._server is not None:
            return
        spy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 64 * 1024  # head and body in one packet

            def do_GET(self) -> None:
                asked = Asked(self.command, self.path, tuple(self.headers.items()))
                spy.asked.append(asked)
                reply = spy.reply(asked)
                if reply is None:
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body if self.command != "HEAD" else b"")
                self.close_connection = not spy.keeps_connections

            do_HEAD = do_POST = do_OPTIONS = do_GET  # noqa: N815 - the names are http.server's

            def log_message(self, *_: Any) -> None: ...

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def go_away(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
