"""A loopback server whose every byte is written by the test, for answers that no decent server gives."""

import contextlib
import fcntl
import socket
import ssl
import struct
import termios
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Self

_TCP_CLOSE = 7
Script = Callable[["Line"], None]

BODY = b'{ "odd" :1.50,\n"b":"\\u00e9"}'
"""JSON as no encoder writes it: parsed and written again it has other bytes."""


class Line:
    """One accepted connection. `number` counts from 0; `closing` is set when the test is over."""

    def __init__(self, sock: socket.socket, number: int, closing: threading.Event) -> None:
        self.sock = sock
        self.number = number
        self.closing = closing

    def read_request(self) -> "Request | None":
        """The next request, or None when the client hung up."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.sock.recv(65536)
            if not part:
                return None
            data += part
        first, *lines = data.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines if line)
        return Request(method, target, {name.lower(): value for name, value in headers.items()})

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def delivered(self) -> None:
        """Wait until all that was sent lies in the client's socket, or the client is gone."""
        unread = bytearray(4)
        with contextlib.suppress(OSError):
            while self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _TCP_CLOSE:
                fcntl.ioctl(self.sock, termios.TIOCOUTQ, unread)
                if not any(unread) or self.closing.wait(0.001):
                    return

    def drip(self, data: bytes, every_s: float = 0.05) -> None:
        """One byte at a time until the test is over."""
        for index in range(len(data)):
            if self.closing.wait(every_s):
                return
            self.send(data[index : index + 1])

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hang(self) -> None:
        self.closing.wait(30)


class Request:
    def __init__(self, method: str, target: str, headers: Mapping[str, str]) -> None:
        self.method = method
        self.target = target
        self.headers = headers


class RawServer:
    """Runs `script` for every connection, in a thread each. `url` ends in /trade-api/v2."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._context = context
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.connections = 0
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/trade-api/v2"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            self._start(self._serve, sock, number)

    def _serve(self, sock: socket.socket, number: int) -> None:
        sock.settimeout(10)
        with contextlib.suppress(OSError), sock:
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            with sock:
                self._script(Line(sock, number, self._closing))


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    """A whole answer with a Content-Length. `headers`: lines that end in CRLF."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def chunked(*parts: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """A whole answer in chunks. `end`: what comes after them."""
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + end


def after_request(act: Callable[[Line], None]) -> Script:
    """Read one request of each connection, then act; it is closed after that."""

    def script(line: Line) -> None:
        if line.read_request():
            act(line)

    return script


def always(data: bytes) -> Script:
    """Answer every request of a connection with the same bytes."""

    def script(line: Line) -> None:
        while line.read_request():
            line.send(data)

    return script


@contextlib.contextmanager
def serving(script: Script | bytes, context: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    with RawServer(always(script) if isinstance(script, bytes) else script, context) as server:
        yield server
