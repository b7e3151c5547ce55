"""The document as JSON, and a page to read it and try it out. Both are for signed-in callers."""

from __future__ import annotations

import hashlib
import json
from functools import cache

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request

from kalshi.services.freshness import etag_matches
from kalshi.views.base import ReadView


@cache
def document() -> tuple[bytes, str]:
    """(the document, its ETag); made once in a process, since nothing that it tells changes while one runs."""
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    body = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    return body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'


class SchemaView(ReadView):
    """OpenAPI 3.1 as JSON; `manage.py spectacular` prints it as YAML."""

    def get(self, request: Request) -> HttpResponse:
        body, etag = document()
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if etag_matches(request.META.get("HTTP_IF_NONE_MATCH", ""), etag):
            response = HttpResponse(status=304, headers=headers)
            del response["Content-Type"]
            return response
        return HttpResponse(body, content_type="application/json", headers=headers)


# Swagger UI draws its arrows as data: pictures.
@csp_update({"img-src": ["'self'", "data:"]})
@require_safe
@never_cache
@login_required
def docs(request: HttpRequest) -> HttpResponse:
    """Swagger UI over the document."""
    return render(request, "kalshi/api_docs.html")
