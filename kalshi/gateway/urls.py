"""Every read operation under the path that it has at Kalshi. Mount at /trade-api/v2/: clients sign that path."""

import re

from django.urls import URLPattern, re_path

from kalshi.gateway.views import OperationView, UnknownPath
from kalshi.upstream.endpoints import ENDPOINTS

app_name = "gateway"


def pattern(path: str) -> str:
    """Kalshi's path such as `/markets/{ticker}` as a regular expression, with and without the trailing slash."""
    return "^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.removeprefix("/")) + r"/?\Z"


urlpatterns: list[URLPattern] = [
    re_path(pattern(endpoint.path), OperationView.as_view(endpoint=endpoint), name=endpoint.operation)
    for endpoint in ENDPOINTS.values()
    if endpoint.route is not None
]
urlpatterns.append(re_path(r"", UnknownPath.as_view(), name="unknown"))
