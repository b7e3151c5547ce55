"""How a faulty exchange answers: on the wire, below HTTP where that is needed."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.errors import plain
from sandbox.faults import Fault

GARBAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
DRIP_S = 0.5
NO_STORE = {"Cache-Control": "no-store"}
Answer = Callable[[], Awaitable[web.Response]]


async def deliver(request: web.BaseRequest, fault: Fault, answer: Answer) -> web.StreamResponse:
    """Answer under a fault; `answer` makes the right response, to be called when its time has come."""
    match fault.mode:
        case "down" | "reset":
            return cut(request, reset=fault.mode == "reset")
        case "garbage":
            return web.Response(body=GARBAGE, content_type="text/html")
        case "status":
            return error(fault.status)
        case "hang":
            await wait(fault, None)
        case "latency":
            await wait(fault, fault.latency_ms / 1000)
        case "slow":
            return await drip(request, fault, await answer())
        case "truncate":
            return await truncate(request, await answer())
    return await answer()


def error(status: int) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(plain(status)).encode(),
        content_type="application/json",
        headers=NO_STORE,
    )


def cut(request: web.BaseRequest, *, reset: bool) -> web.Response:
    """Close without a byte: in good order, or with a TCP reset."""
    transport = request.transport
    if transport is not None:
        if reset:
            connection: socket.socket = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def wait(fault: Fault, seconds: float | None) -> None:
    """Until the fault is gone (by its own time limit too), at most so many seconds."""
    left = None if fault.until is None else max(0.0, fault.until - asyncio.get_running_loop().time())
    limits = [limit for limit in (seconds, left) if limit is not None]
    try:
        await asyncio.wait_for(fault.healed.wait(), min(limits, default=None))
    except TimeoutError:
        return


async def head(request: web.BaseRequest, response: web.Response) -> tuple[web.StreamResponse, bytes]:
    """Send the status and headers, the full Content-Length among them; the body is left to the caller."""
    body = response.body if isinstance(response.body, bytes) else b""
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    return stream, body


async def drip(request: web.BaseRequest, fault: Fault, response: web.Response) -> web.StreamResponse:
    """One byte per half second; what is left when the fault ends comes at once."""
    stream, body = await head(request, response)
    for place in range(len(body)):
        if fault.healed.is_set():
            await stream.write(body[place:])
            break
        await stream.write(body[place : place + 1])
        await wait(fault, DRIP_S)
    await stream.write_eof()
    return stream


async def truncate(request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    stream, body = await head(request, response)
    await stream.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return stream
