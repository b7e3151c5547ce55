"""The page after a key or a token was made: the only one that ever shows its secret."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse


def shown_once(
    request: HttpRequest, page: Any, row: Any, *, secret: str, facts: dict[str, str], file: str, use: str
) -> HttpResponse:
    """file: the name under which the secret is downloaded; facts: what to note beside it; use: how it is used."""
    meta = page.model._meta
    context = page.admin_site.each_context(request) | {
        "title": f"New: {row}",
        "opts": meta,
        "row": row,
        "secret": secret,
        "facts": facts,
        "file": file,
        "use": use,
        "back": f"admin:{meta.app_label}_{meta.model_name}_change",
        "row_pk": row.pk,
    }
    return TemplateResponse(
        request, "kalshi/admin/shown_once.html", context, headers={"Cache-Control": "no-store, private"}
    )
