"""The proxied endpoints: one class, driven by the endpoint table."""

import time
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from kalshi.cache.readthrough import Answer
from kalshi.conf import EndpointOptions
from kalshi.services import freshness, handover, read
from kalshi.upstream import params
from kalshi.upstream.endpoints import Endpoint
from kalshi.views.base import ReadView, caller, chosen_account


def wants_fetch(request: Request) -> bool:
    """True when the caller sends `Cache-Control: no-cache`."""
    directives = request.META.get("HTTP_CACHE_CONTROL", "").lower().split(",")
    return any(directive.strip() == "no-cache" for directive in directives)


def with_freshness(request: Request, answer: Answer, options: EndpointOptions, now: float) -> HttpResponse:
    """The answer's body with its freshness headers, or 304 when the caller has it. now: epoch seconds."""
    headers: dict[str, Any] = freshness.headers(answer, options, now)
    if freshness.etag_matches(request.META.get("HTTP_IF_NONE_MATCH", ""), answer.entry.etag):
        response = HttpResponse(status=304, headers=headers)
        del response["Content-Type"]
        return response
    return HttpResponse(answer.entry.body, content_type="application/json", headers=headers)


class UpstreamView(ReadView):
    """The body is Kalshi's, byte for byte; freshness travels in headers."""

    endpoint: Endpoint = None  # type: ignore[assignment]  # as_view() gives it

    def get(self, request: Request, **path_args: str) -> HttpResponse:
        account, query = chosen_account(request)
        call = params.validate(self.endpoint, query, path_args, api=True)
        reading = read.read(call, account=account, caller=caller(request), forced=wants_fetch(request))
        handover.tell(request.META, reading, self.endpoint.operation)
        return with_freshness(request, reading.answer, reading.options, time.time())
