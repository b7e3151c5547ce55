"""What all our JSON views share. Everything is set on the class, so that it also holds when mounted elsewhere."""

import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from kalshi.errors import BadRequest
from kalshi.models import Account
from kalshi.request_id import REQUEST_ID, new_request_id
from kalshi.services import access, handover
from kalshi.services.freshness import VARY
from kalshi.views import errors
from kalshi.views.authentication import BearerAuthentication
from kalshi.views.throttle import CallerThrottle

ACCOUNT_PARAM = "account"
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")

# The longest list that Kalshi takes has 2,000 values, each with the parameter's name again.
MAX_PARAMETERS = 2_100
READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class JsonOnly(BaseContentNegotiation):
    """Whatever the Accept header says, the answer is JSON."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class ReadView(APIView):
    """Read-only, signed-in callers only, errors as JSON. The method is judged before the caller."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = (
        BearerAuthentication,
        SessionAuthentication,
    )
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)
    parser_classes = ()
    throttle_classes: tuple[type[BaseThrottle], ...] = (CallerThrottle,)
    versioning_class = None
    content_negotiation_class = JsonOnly

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        token = None
        if REQUEST_ID.get() == "-":
            token = REQUEST_ID.set(new_request_id(request.META.get("HTTP_X_REQUEST_ID")))
        try:
            if request.method not in READ_METHODS:
                response: HttpResponseBase = self.refuse_method()
            else:
                response = super().dispatch(request, *args, **kwargs)
            response["X-Request-ID"] = REQUEST_ID.get()
            if not response.has_header("Vary") or VARY not in response["Vary"]:
                response["Vary"] = VARY
            return response
        finally:
            # View and request hold each other until the garbage collector runs; a body must not wait for that.
            self.__dict__.pop("response", None)
            if token is not None:
                REQUEST_ID.reset(token)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if request.user.is_authenticated:
            handover.tell_caller(request.META, access.caller_name(request.user, credential(request)))

    def refuse_method(self) -> HttpResponse:
        return errors.read_only_response()

    @property
    def default_response_headers(self) -> dict[str, str]:
        # The same headers on every way an answer can take; DRF would add an Allow here.
        return {}

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], HttpResponse]:
        return errors.handle

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        return HttpResponse(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The query as sent, doubled names included. Raises BadRequest for bytes that are no UTF-8."""
    try:
        return parse_qsl(
            request.META.get("QUERY_STRING", ""),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise BadRequest(
            f"The query is not readable: at most {MAX_PARAMETERS} parameters, percent-encoded UTF-8."
        ) from None


def named_account(request: Request) -> tuple[str | None, list[tuple[str, str]]]:
    """(the slug of the account that the request names, the rest of the query): from `account=` or X-Kalshi-Account.

    Raises BadRequest when it is named twice, differently, or by nothing.
    """
    pairs = query_pairs(request)
    named = [value for name, value in pairs if name == ACCOUNT_PARAM]
    if len(named) > 1:
        raise BadRequest("The parameter account is given more than once; once is allowed.")
    header = request.META.get("HTTP_X_KALSHI_ACCOUNT")
    if header is not None:
        named.append(header.strip())
    if any(not SLUG.fullmatch(name) for name in named):
        raise BadRequest("The account is named by its slug: lower-case letters, digits and dashes.")
    if len(set(named)) > 1:
        raise BadRequest("The parameter account and the header X-Kalshi-Account name different accounts.")
    return (named[0] if named else None), [pair for pair in pairs if pair[0] != ACCOUNT_PARAM]


def credential(request: Request) -> access.Credential:
    """What the caller came with; None: a signed-in session."""
    return cast(access.Credential, request.auth)


def caller(request: Request) -> str:
    """Whose share of seats, threads and costly work the request takes."""
    return access.caller_name(request.user, credential(request))


def chosen_account(request: Request) -> tuple[Account, list[tuple[str, str]]]:
    """(the account that the request is about, the rest of the query). Raises BadRequest or Forbidden."""
    slug, query = named_account(request)
    return access.choose(request.user, credential(request), slug), query


class UnknownPath(ReadView):
    """Whatever no other pattern took: 405 for writes, 401 for strangers, else 404."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        return errors.error_response(404, "There is nothing under this path.", "not_found")
