"""Our own API over the exchange's data; one row of the endpoint table is one URL. Mount under any prefix."""

import re

from django.urls import URLPattern, re_path

from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.views.base import UnknownPath
from kalshi.views.upstream import UpstreamView

app_name = "kalshi"


def pattern(route: str) -> str:
    """A route such as `markets/<ticker>` as a regular expression, with and without the trailing slash."""
    return "^" + re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", route) + r"/?\Z"


urlpatterns: list[URLPattern] = [
    re_path(pattern(endpoint.route), UpstreamView.as_view(endpoint=endpoint), name=endpoint.name)
    for endpoint in ENDPOINTS.values()
    if endpoint.route is not None
]
urlpatterns.append(re_path(r"", UnknownPath.as_view(), name="unknown"))
