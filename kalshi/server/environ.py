"""What a WSGI application sees of a request: the ASGI scope, told as PEP 3333 wants it."""

from __future__ import annotations

import io
import sys
from collections.abc import MutableMapping
from typing import Any

from kalshi.server.collected import FileWrapper

Environ = dict[str, Any]

_IN_QUERY = tuple(chr(code) if code < 0x80 else f"%{code:02X}" for code in range(256))
_NAMES = {b"content-length": "CONTENT_LENGTH", b"content-type": "CONTENT_TYPE"}


def environ_of(scope: MutableMapping[str, Any], body: bytes) -> Environ:
    """The environment of an HTTP request whose body is there.

    Text is bytes told as latin-1. Headers of one name are joined by commas, in time that grows with their bytes. What
    WSGI would misread is taken out: raw bytes in the query, and header names with underscores, since it cannot tell
    `X_Kalshi_Account` from `X-Kalshi-Account`; the edge can, and both must see the same request. The scope itself
    stands under `asgi.scope`. Takes milliseconds for a large request: a thread should call it.
    """
    script_name = _told(scope.get("root_path", ""))
    server, port = scope.get("server") or ("localhost", 80)
    environ: Environ = {
        "asgi.scope": scope,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": script_name,
        "PATH_INFO": _told(scope["path"]).removeprefix(script_name),
        "QUERY_STRING": "".join(map(_IN_QUERY.__getitem__, scope["query_string"])),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(port or 0),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
    }
    if scope.get("client") is not None:
        address, port = scope["client"]
        environ |= {"REMOTE_ADDR": address, "REMOTE_PORT": str(port)}
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if b"_" not in name:
            headers.setdefault(_header(name), []).append(value.decode("latin-1"))
    return environ | {name: ",".join(values) for name, values in headers.items()}


def _told(text: str) -> str:
    return text.encode().decode("latin-1")


def _header(name: bytes) -> str:
    return _NAMES.get(name) or f"HTTP_{name.decode('latin-1')}".upper().replace("-", "_")
