"""The one ASGI entry: a small shell that answers /healthz itself and hands the rest to Django in threads.

Django's WSGI handler is used on purpose: in threads it answers several times as many requests as Django's own ASGI
handler does, and the views block while they wait for Kalshi.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from dashboard.wsgi import application as django_application
from kalshi.services import engine

# Far more threads than may wait for Kalshi at a time (see kalshi.cache.readthrough), so that waiting callers never
# hold up the others.
THREADS = 256


async def healthz(request: Request) -> Response:
    return JSONResponse({"ok": True}, headers={"Cache-Control": "no-store"})


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    engine.serve()
    yield
    engine.close()


application = Starlette(
    routes=[
        Route("/healthz", healthz, methods=["GET"]),
        Mount("/", WSGIMiddleware(django_application, workers=THREADS)),  # type: ignore[arg-type]
    ],
    lifespan=lifespan,
)
