"""What many scripts do: a small view that asks through requests-cache (in memory). With UPSTREAM_URL."""

import os

from requests_cache import CachedSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

session = CachedSession(backend="memory", expire_after=3600)


def view(request: Request) -> Response:
    answer = session.get(os.environ["UPSTREAM_URL"], timeout=15)
    return Response(answer.content, media_type="application/json")


application = Starlette(routes=[Route("/data/", view)])
