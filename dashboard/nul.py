"""The character NUL, which nobody means and PostgreSQL cannot hold: refused before anything looks at it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict

from dashboard.answer_headers import FRAMES
from dashboard.json_errors import wants_json
from kalshi.views.errors import error_response

NUL = "\0"
# The APIs check each value themselves, and answer in a shape of their own: 404 for a path, 400 for a parameter.
_APIS = ("/api/", "/trade-api/")
# What Django's middleware for it, which stands further in, cannot add.
_FRAMES = {"X-Frame-Options": FRAMES}
_SENTENCE = "The request contains a NUL character."


class RefuseNul:
    """400 for a path, a query or a form with a NUL. A cookie with one is none at all. Before sessions.

    Not done: files, which no form of ours takes, and the bodies of API requests, which are not read.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if NUL not in value}
        if not _of_apis(request) and (NUL in request.path_info or _holds_nul(request.GET)):
            return _refused(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Here and not before, so that a form that is too large or broken is answered as everywhere."""
        return _refused(request) if not _of_apis(request) and _holds_nul(request.POST) else None


def _of_apis(request: HttpRequest) -> bool:
    return request.path_info.startswith(_APIS)


def _holds_nul(given: QueryDict) -> bool:
    return any(NUL in text for name, values in given.lists() for text in (name, *values))


def _refused(request: HttpRequest) -> HttpResponse:
    if wants_json(request):
        return error_response(400, _SENTENCE, "bad_request", headers=_FRAMES)
    text = "text/plain; charset=utf-8"
    return HttpResponse(f"{_SENTENCE}\n", status=400, content_type=text, headers=_FRAMES)
