"""A page that asks before something is done: GET shows what will happen, only POST does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse


def confirm(
    request: HttpRequest,
    page: Any,
    row: Any,
    *,
    title: str,
    says: Sequence[str],
    button: str,
    do: Callable[[], str],
) -> HttpResponse:
    """do: does it and returns the sentence that is shown then. page: the model page to go back to."""
    meta = page.model._meta
    back = f"admin:{meta.app_label}_{meta.model_name}_change"
    if request.method == "POST":
        messages.success(request, do())
        return redirect(back, row.pk)
    context = page.admin_site.each_context(request) | {
        "title": title,
        "says": says,
        "button": button,
        "row": row,
        "opts": meta,
        "back": back,
    }
    return TemplateResponse(request, "kalshi/admin/confirm.html", context)
