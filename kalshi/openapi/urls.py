"""The OpenAPI document and its page. Mount under `api/`, before what catches unknown paths."""

from django.urls import re_path

from kalshi.openapi import views

urlpatterns = [
    re_path(r"^schema/?\Z", views.SchemaView.as_view(), name="schema"),
    re_path(r"^docs/?\Z", views.docs, name="docs"),
]
