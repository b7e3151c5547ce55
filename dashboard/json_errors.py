"""Errors outside of the APIs: a page for whoever reads pages, JSON in our API's shape for everybody else."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from kalshi.views.errors import INTERNAL_ERROR, error_response

_WORDS = {
    400: ("bad_request", "The request could not be understood."),
    403: ("forbidden", "You may not see or do this."),
    404: ("not_found", "There is nothing under this path."),
    405: (
        "method_not_allowed",
        "This path does not take this method; the header Allow names those that it takes.",
    ),
    410: ("gone", "This was valid once, and is not any more."),
    413: ("bad_request", "The request is too large."),
    429: ("too_many_requests", "Too many requests; slow down."),
}
_REFUSED = ("bad_request", "The request was refused.")
_BROKEN = ("internal_error", INTERNAL_ERROR)

_HTML, _JSON = "text/html", "application/json"
# Of the new answer itself.
_NOT_KEPT = frozenset({"content-type", "content-length", "cache-control"})


class JsonErrors:
    """Puts errors that Django would tell as a page into JSON for programs. What is no page of HTML stays as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.get("Content-Type", _HTML).startswith(_HTML)
        if response.status_code < 400 or not is_page or not wants_json(request):
            return response
        code, sentence = _WORDS.get(response.status_code, _REFUSED if response.status_code < 500 else _BROKEN)
        answer = error_response(response.status_code, sentence, code)
        for name, value in response.items():
            if name.lower() not in _NOT_KEPT:
                answer[name] = value
        answer.cookies = response.cookies
        return answer


def wants_json(request: HttpRequest) -> bool:
    """On a page, who says so; elsewhere, who does not ask for HTML, as browsers do."""
    if request.resolver_match is not None:
        return request.get_preferred_type((_HTML, _JSON)) == _JSON
    return request.get_preferred_type((_JSON, _HTML)) != _HTML
