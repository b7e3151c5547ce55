"""The status document for front ends. Mount where it suits, for example under `api/v1/status`."""

from django.urls import re_path

from kalshi.views.status import StatusView

urlpatterns = [re_path(r"^(?:/)?\Z", StatusView.as_view(), name="status")]
