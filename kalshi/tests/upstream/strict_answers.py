"""A small, strict reading of what a server sent to one GET: RFC 9112 and nothing that it merely tolerates."""

import re
from dataclasses import dataclass

MOST_INTERIM = 16
_STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) [\t -~]*")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~]?[\t -~]*)")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,8})\r\n")


@dataclass(frozen=True)
class Verdict:
    """The one final answer. `clean`: nothing stands behind it, so that another question may follow."""

    status: int
    body: bytes
    clean: bool


def strict(data: bytes) -> Verdict | None:
    """What all of the bytes mean; None when they hold no whole, proper answer."""
    for _ in range(MOST_INTERIM + 1):
        head, end, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        status, headers = _STATUS.fullmatch(first), [_HEADER.fullmatch(line) for line in lines]
        if not end or status is None or not all(headers):
            return None
        code = int(status[1])
        if code == 101 or code >= 600:
            return None
        if code >= 200:
            return _with_body(code, [(h[1].lower(), h[2].strip()) for h in headers if h], rest)
        data = rest
    return None


def _with_body(code: int, headers: list[tuple[bytes, bytes]], rest: bytes) -> Verdict | None:
    framing = [(name, value) for name, value in headers if name in (b"content-length", b"transfer-encoding")]
    if code in (204, 304) and not framing:
        return Verdict(code, b"", clean=False)
    if code in (204, 304) or len(framing) != 1:
        return None
    name, value = framing[0]
    if name == b"transfer-encoding":
        found = _chunks(rest) if value.lower() == b"chunked" else None
    else:
        is_number = re.fullmatch(rb"[0-9]{1,8}", value) and int(value) <= len(rest)
        found = (rest[: int(value)], rest[int(value) :]) if is_number else None
    if found is None:
        return None
    closes = any(n == b"connection" and b"close" in v.lower() for n, v in headers)
    return Verdict(code, found[0], clean=bool(found[0]) and not found[1] and not closes)


def _chunks(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while size := _CHUNK.match(rest):
        length, rest = int(size[1], 16), rest[size.end() :]
        if rest[length : length + 2] != b"\r\n":
            return None
        body, rest = body + rest[:length], rest[length + 2 :]
        if length == 0:
            return body, rest
    return None
