"""What people would write without us: a DRF view over Django's cache, under the same server.

Signed-in callers by DRF's own token check, the body cached as the parsed document and rendered again, as the
usual `cache.get_or_set` in a view does it. `python -m uvicorn benchmarks.plain_drf:application`, with BODY_FILE.
"""

import json
import os
from pathlib import Path
from typing import Any

import django
from django.conf import settings

redis_url = os.environ.get("REDIS_URL")
settings.configure(
    SECRET_KEY="benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    CACHES={
        "default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": redis_url}
        if redis_url
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    },
    USE_TZ=True,
)
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connections  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.authentication import BaseAuthentication  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from kalshi.server.lines import Lines  # noqa: E402
from kalshi.server.threads import DaemonThreads  # noqa: E402
from kalshi.server.wsgi import WsgiBridge  # noqa: E402


class AnyBearer(BaseAuthentication):
    """Cheaper than any real check, in favour of the other side."""

    def authenticate(self, request: Any) -> Any:
        return (User(username="benchmark"), None) if request.META.get("HTTP_AUTHORIZATION") else None


class Cached(APIView):
    authentication_classes = (AnyBearer,)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)

    def get(self, request: Any) -> Response:
        return Response(
            cache.get_or_set("body", lambda: json.loads(Path(os.environ["BODY_FILE"]).read_bytes()), 3600)
        )


urlpatterns = [path("data/", Cached.as_view())]
application = WsgiBridge(
    get_wsgi_application(), DaemonThreads(64, at_end=connections.close_all, lines=Lines(64))
)
