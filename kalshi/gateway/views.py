"""The gateway's answers: Kalshi's bytes under Kalshi's paths, from the same cache as our own API."""

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.request import Request

from kalshi.errors import Forbidden, TooManyRequests
from kalshi.gateway import errors, rate_limit
from kalshi.gateway.authentication import SignedAuthentication, TokenAuthentication, good_for_s
from kalshi.models import VirtualKey
from kalshi.services import access, engine, handover, read, signed_requests
from kalshi.upstream import params
from kalshi.upstream.endpoints import Endpoint
from kalshi.views.base import ReadView, caller, chosen_account, credential
from kalshi.views.upstream import wants_fetch, with_freshness


class GatewayView(ReadView):
    """As our own API's views, but signed requests are let in too and errors have Kalshi's shape."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = (
        TokenAuthentication,
        SignedAuthentication,
        SessionAuthentication,
    )

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response["Vary"] = errors.GATEWAY_VARY
        if "Retry-After" in response and int(response["Retry-After"]) >= good_for_s(request.META):
            del response["Retry-After"]
        return response

    def refuse_method(self) -> HttpResponse:
        return errors.read_only_response()

    def check_throttles(self, request: Request) -> None:
        """Count every request of a key that has a limit, whatever becomes of it."""
        super().check_throttles(request)
        key = credential(request)
        if not isinstance(key, VirtualKey) or key.requests_per_s is None:
            return
        taken = engine.caller_limits().take(str(key.key_id), key.requests_per_s)
        self.headers.update(rate_limit.of_key(taken))
        if not taken.allowed:
            raise TooManyRequests(
                f"This key may send {key.requests_per_s:g} requests a second.", retry_after_s=taken.wait_s
            )

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponse]:
        return errors.handle


class OperationView(GatewayView):
    """One upstream operation with Kalshi's own parameters and defaults; unknown parameters go to Kalshi."""

    endpoint: Endpoint = None  # type: ignore[assignment]  # as_view() gives it

    def get(self, request: Request, **path_args: str) -> HttpResponse:
        came_with = credential(request)
        # Kalshi has no parameter of this name; passed on, it would show another account than the one that was named.
        account, query = chosen_account(request)
        if not access.may_read(came_with, self.endpoint.operation):
            raise Forbidden(f"This key may not read {self.endpoint.operation}.")
        call = params.validate(self.endpoint, query, path_args, api=False)
        reading = read.read(call, account=account, caller=caller(request), forced=wants_fetch(request))
        if not isinstance(came_with, VirtualKey):
            handover.tell(request.META, reading, self.endpoint.operation)
        elif came_with.requests_per_s is None:  # the edge does not count
            signer = signed_requests.parsed(came_with.public_key)
            handover.tell(request.META, reading, self.endpoint.operation, signer)
        return with_freshness(request, reading.answer, reading.options, time.time())


class UnknownPath(GatewayView):
    """Whatever is no read operation: 405 for writes, 401 for strangers, else 404."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return errors.error_response(404, "not_found", errors.UNKNOWN)
