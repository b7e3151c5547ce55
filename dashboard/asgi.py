"""The one ASGI entry: the edge around a small shell, which answers /healthz and hands the rest to Django in threads.

Django's WSGI handler is used on purpose: in threads it answers several times as many requests as Django's own ASGI
handler does, and the views block while they wait for Kalshi.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import cast

from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from dashboard.wsgi import application as django_application
from kalshi.edge.access_log import AccessLog
from kalshi.edge.app import Application, Edge
from kalshi.services import engine

# More threads than may wait for Kalshi at a time (kalshi.cache.readthrough), so that waiting callers never hold up
# the others.
THREADS = 256


async def healthz(request: Request) -> Response:
    return JSONResponse({"ok": True}, headers={"Cache-Control": "no-store"})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    engine.serve()
    access_log.start()
    release_waiting_callers_on_stop()
    settings_in_force = asyncio.create_task(application.run())
    yield
    settings_in_force.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await settings_in_force
    engine.close()
    access_log.stop()


def release_waiting_callers_on_stop() -> None:
    """Let callers go as soon as the signal comes: the server waits for them before it tells us that it stops."""
    for ending in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(ending)

        def stop(signum: int, frame: FrameType | None, before: object = before) -> None:
            threading.Thread(target=engine.let_go, name="let-go", daemon=True).start()
            if callable(before):
                before(signum, frame)

        signal.signal(ending, stop)


access_log = AccessLog()
shell = Starlette(
    routes=[
        Route("/healthz", healthz, methods=["GET"]),
        Mount("/", cast(ASGIApp, WSGIMiddleware(django_application, workers=THREADS))),  # type: ignore[arg-type]
    ],
    lifespan=lifespan,
)
application = Edge(cast(Application, shell), access_log)
