"""The one ASGI entry: the edge around a small shell, which answers /healthz and hands the rest to Django in threads.

Django's WSGI handler is used on purpose: in threads it answers several times as many requests as Django's own ASGI
handler does, and the views block while they wait for Kalshi.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

from django.conf import settings
from django.db import connections
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard import logs
from dashboard.answer_headers import OF_JSON
from dashboard.wsgi import application as django_application
from kalshi.edge.access_log import AccessLog
from kalshi.edge.app import Application, Edge
from kalshi.request_id import new_request_id
from kalshi.server import descriptors, pool_health
from kalshi.server.askers import crowd_of
from kalshi.server.collected import Rooms
from kalshi.server.lines import Lines
from kalshi.server.protocol import AT_ONCE
from kalshi.server.sockets import raise_limit
from kalshi.server.stopping import Stop
from kalshi.server.threads import DaemonThreads
from kalshi.server.wsgi import WsgiBridge
from kalshi.services import engine, handover, metrics
from kalshi.services.key_usage import usage


class Health:
    """Says that the process is alive, as Django would, whose threads may all be waiting; 503 when they stand still for
    good (kalshi.server.pool_health). Other methods are Django's.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await to_django(scope, receive, send)
            return
        request_id = new_request_id(Headers(scope=scope).get("x-request-id"))
        headers = OF_JSON | {"Cache-Control": "no-store", "X-Request-ID": request_id}
        alive = not pool_health.is_dead(threads)
        answer = JSONResponse({"ok": alive}, 200 if alive else 503, headers)
        await answer(scope, receive, send)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, object]]:
    logs.catch_the_rest()
    engine.serve()
    access_log.start()
    report.start()
    usage.start()
    Stop(drain=application.drain, let_go=engine.let_go).watch()
    settings_in_force = asyncio.create_task(application.run())
    yield {AT_ONCE: application.short_cut()}
    settings_in_force.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await settings_in_force
    report.stop()
    await asyncio.to_thread(usage.stop)  # Django lets nobody write from the event loop
    engine.close()
    access_log.stop()


shares = descriptors.shares(raise_limit())
# Before anybody builds an engine: a second one would watch Redis, and report its loss, a second time.
engine.seat(shares.waiting)
engine.observe(engine.Observers(metrics.counts.cache, metrics.counts.upstream))
access_log = AccessLog(metrics.counts, redact=logs.redaction(settings.LOGGING))
report = metrics.Report()
threads = DaemonThreads(shares.threads, at_end=connections.close_all, lines=Lines(crowd_of=crowd_of))
rooms = Rooms(answers=shares.answers)
to_django = cast(ASGIApp, WsgiBridge(django_application, threads, rooms, caller=handover.caller))
shell = Starlette(routes=[Route("/healthz", Health())], lifespan=lifespan)
# The default takes what no route does; a mount would leave out paths with line breaks, and redirect some.
shell.router.redirect_slashes = False
shell.router.default = to_django
application = Edge(cast(Application, shell), access_log, metrics.counts)
