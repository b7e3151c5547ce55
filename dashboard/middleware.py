"""The outermost layer: gives every request an id and turns what nobody caught into a plain answer."""

import logging
import re
from collections.abc import Callable

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from dashboard.answer_headers import OF_JSON, PERMISSIONS
from dashboard.json_errors import wants_json
from kalshi.errors import KalshiError, TooManyRequests
from kalshi.request_id import REQUEST_ID, new_request_id
from kalshi.services import handover
from kalshi.views import errors
from kalshi.views.errors import INTERNAL_ERROR, error_response

MAX_ACCEPT = 1024
"""Reading a header of thousands of types takes a second; browsers send some 130 characters."""

log = logging.getLogger("dashboard.errors")

Handler = Callable[[HttpRequest], HttpResponseBase]


class RequestIdAndErrors:
    """Sets `X-Request-ID` on every answer, and `Secure` on every cookie that goes out over TLS.

    Django's debug page is never shown: it prints local variables, and ours hold keys. The traceback is in the log
    under the request id.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = REQUEST_ID.set(new_request_id(request.META.get("HTTP_X_REQUEST_ID")))
        if len(request.META.get("HTTP_ACCEPT", "")) > MAX_ACCEPT:
            del request.META["HTTP_ACCEPT"]
        try:
            response = _wrong_host(request) or self.get_response(request)
            response["X-Request-ID"] = REQUEST_ID.get()
            response["Permissions-Policy"] = PERMISSIONS
            if request.is_secure():
                for cookie in response.cookies.values():
                    cookie["secure"] = True
            if response.status_code == 304:
                # Django counts the empty body; here the length would be that of the body which is not sent.
                del response["Content-Length"]
            return response
        finally:
            REQUEST_ID.reset(token)

    def process_view(self, request: HttpRequest, *_: object) -> None:
        match = request.resolver_match
        if match is not None:
            name = match.view_name.removeprefix("kalshi:") if match.url_name else "unknown"
            handover.tell_route(request.META, name)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if isinstance(problem, (Http404, PermissionDenied, BadRequest, SuspiciousOperation)):
            return None
        if errors.is_database_away(problem):
            return _told(request, errors.database_unavailable(problem))
        if isinstance(problem, TooManyRequests):
            return _told(request, problem)
        log.error("unhandled %s on %s", type(problem).__name__, request.path, exc_info=problem)
        if wants_json(request):
            return error_response(500, INTERNAL_ERROR, "internal_error")
        return HttpResponse(
            f"Something went wrong on our side. The log has it under request id {REQUEST_ID.get()}.\n",
            status=500,
            content_type="text/plain; charset=utf-8",
        )


def _told(request: HttpRequest, known: KalshiError) -> HttpResponse:
    """The answer to what passes by itself."""
    if wants_json(request):
        answer = error_response(known.status, known.message, known.code, retry_after_s=known.retry_after_s)
        return errors.as_logged(answer)
    response = HttpResponse(
        f"{known.message} The log has it under request id {REQUEST_ID.get()}.\n",
        status=known.status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store", "Retry-After": str(known.retry_after_s)},
    )
    return errors.as_logged(response)


# They ask by the address of a container, which nobody can list beforehand.
_PROBED = re.compile(r"/(healthz|readyz|metrics)/?")


def _wrong_host(request: HttpRequest) -> HttpResponse | None:
    """Judge the host here, outside of everything that would show a page of its own about it."""
    try:
        request.get_host()
    except DisallowedHost:
        if _PROBED.fullmatch(request.path_info):
            request.META["HTTP_HOST"] = _a_served_host()
            return None
        sentence = "This host name is not one of DJANGO_ALLOWED_HOSTS."
        return error_response(400, sentence, "bad_request", headers=OF_JSON)
    return None


def _a_served_host() -> str:
    """For what else judges the host; none of the probed answers depends on it."""
    names = (host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*")
    return next(names, "localhost")


_NOWHERE = {"default-src": ["'none'"], "frame-ancestors": ["'none'"]}
_PAGES: dict[str, list[str]] = {
    "default-src": ["'self'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
    "object-src": ["'none'"],
}
# The theme of the admin computes its expressions with eval.
_ADMIN = _PAGES | {"script-src": ["'self'", "'unsafe-eval'"]}


class ContentPolicy(CSPMiddleware):
    """Content-Security-Policy by place: JSON loads nothing at all, pages only what comes from here.

    Views may widen their own with the decorators of django-csp.
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if parts.config is None and not report_only:
            parts.config = _policy(request, response)
        return parts


def _policy(request: HttpRequest, response: HttpResponseBase) -> dict[str, list[str]]:
    if response.get("Content-Type", "").startswith("application/json"):
        return _NOWHERE
    match = request.resolver_match
    return _ADMIN if match is not None and "admin" in match.app_names else _PAGES
