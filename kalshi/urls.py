"""Our own API over the exchange's data; one row of the endpoint table is one URL. Mount under any prefix."""

import re
from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, re_path

from kalshi.services.history_lists import STITCHED
from kalshi.services.history_market import MOVED
from kalshi.upstream.endpoints import ENDPOINTS, Endpoint
from kalshi.views.base import UnknownPath
from kalshi.views.history import HistoryView
from kalshi.views.upstream import UpstreamView

app_name = "kalshi"


def pattern(route: str) -> str:
    """A route such as `markets/<ticker>` as a regular expression, with and without the trailing slash."""
    return "^" + re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", route) + r"/?\Z"


def view_of(endpoint: Endpoint) -> Callable[..., HttpResponseBase]:
    view = HistoryView if endpoint.operation in {*STITCHED, *MOVED} else UpstreamView
    return view.as_view(endpoint=endpoint)


urlpatterns: list[URLPattern] = [
    re_path(pattern(endpoint.route), view_of(endpoint), name=endpoint.name)
    for endpoint in ENDPOINTS.values()
    if endpoint.route is not None
]
urlpatterns.append(re_path(r"", UnknownPath.as_view(), name="unknown"))
