from django.urls import include, path, re_path
from django.views.generic import RedirectView

from kalshi.admin import site
from kalshi.gateway.views import UnknownPath as UnknownGatewayPath
from kalshi.views.base import UnknownPath
from kalshi.views.health import healthz, readyz
from kalshi.views.metrics import MetricsView

urlpatterns = [
    re_path(r"^healthz/?\Z", healthz, name="healthz"),
    re_path(r"^readyz/?\Z", readyz, name="readyz"),
    re_path(r"^metrics/?\Z", MetricsView.as_view(), name="metrics"),
    path("api/v1/kalshi/", include("kalshi.urls")),
    path("api/v1/status", include("kalshi.status_urls")),
    path("api/", include("kalshi.openapi.urls")),
    re_path(r"^api(/|\Z)", UnknownPath.as_view()),
    path("trade-api/v2/", include("kalshi.gateway.urls")),
    re_path(r"^trade-api(/|\Z)", UnknownGatewayPath.as_view()),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/", site.urls),
    path("", include("kalshi.page_urls")),
]
