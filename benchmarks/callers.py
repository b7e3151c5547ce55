"""Many callers that each ask at a fixed pace and note how long every answer took. For paces, not for full speed."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop


@dataclass(slots=True)
class Seen:
    """All answers: milliseconds from the request's first byte out to the answer's last byte in."""

    ms: list[float] = field(default_factory=list)
    failed: int = 0

    def percentile(self, share: float) -> float:
        """Milliseconds; the worst for a share of 1."""
        ordered = sorted(self.ms)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def ask(
    urls: Sequence[str], headers: Mapping[str, str], *, callers: int, every_s: float, seconds: float
) -> Seen:
    """Let every caller ask for the URLs in turn, one each every_s, on a connection of its own.

    A caller who waits longer than every_s skips what it missed: it is one person in front of one page.
    """
    seen = Seen()
    gc.collect()
    gc.disable()  # a pause of ours would be counted as theirs
    try:
        uvloop.run(_all(urls, headers, seen, callers=callers, every_s=every_s, seconds=seconds))
    finally:
        gc.enable()
    return seen


async def _all(
    urls: Sequence[str],
    headers: Mapping[str, str],
    seen: Seen,
    *,
    callers: int,
    every_s: float,
    seconds: float,
) -> None:
    began = time.perf_counter() + 0.1
    requests = [_request(url, headers) for url in urls]
    address = urlsplit(urls[0])
    assert address.hostname is not None
    async with asyncio.TaskGroup() as group:
        for number in range(callers):
            first = began + every_s * number / callers
            # Not all begin with the same URL.
            turn = requests[number % len(requests) :] + requests[: number % len(requests)]
            group.create_task(
                _one(
                    address.hostname,
                    address.port,
                    turn,
                    seen,
                    due=first,
                    every_s=every_s,
                    until=began + seconds,
                )
            )


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"GET {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def _one(
    host: str,
    port: int | None,
    turn: Sequence[bytes],
    seen: Seen,
    *,
    due: float,
    every_s: float,
    until: float,
) -> None:
    number = 0
    await asyncio.sleep(due - time.perf_counter())
    # Not before: the gateway does not keep many connections of one address on which nobody has signed in.
    reader, writer = await asyncio.open_connection(host, port)
    while due < until:
        await asyncio.sleep(due - time.perf_counter())
        sent = time.perf_counter()
        writer.write(turn[number % len(turn)])
        good = await _answer(reader)
        now = time.perf_counter()
        seen.ms.append((now - sent) * 1000)
        seen.failed += not good
        number += 1
        while due <= now:
            due += every_s
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Read one whole answer; whether it is a 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))
    return head.startswith(b"http/1.1 200")
