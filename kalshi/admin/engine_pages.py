"""The page that shows budget, breaker, Redis and processes live, and the JSON behind it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from kalshi.admin.site import site
from kalshi.services.live_state import live_state
from kalshi.upstream import documents


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    context = site.each_context(request) | {"title": "Engine", "fullwidth": True}
    return TemplateResponse(request, "kalshi/admin/engine.html", context)


@require_safe
def state(request: HttpRequest) -> HttpResponse:
    return HttpResponse(documents.write(live_state(request.user)), content_type="application/json")
