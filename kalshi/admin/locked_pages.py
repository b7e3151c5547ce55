"""Sign-ins that are locked after failures, and opening them again. For those who may change people."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from kalshi.admin import rules
from kalshi.admin.site import site
from kalshi.services import locked_sign_ins


def may_open(request: HttpRequest) -> bool:
    return rules.allows(get_user_model(), "changed", request.user)


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """The list; a POST opens the one that it names."""
    if not may_open(request):
        raise PermissionDenied
    if request.method == "POST":
        attempt = request.POST.get("attempt", "")
        opened = (
            locked_sign_ins.open_again(request, int(attempt))
            if attempt.isdecimal() and attempt.isascii() and len(attempt) < 16
            else None
        )
        if opened is None:
            messages.warning(request, "This is open already.")
        else:
            messages.success(request, f"{opened.name} may sign in from {opened.address or 'there'} again.")
        return redirect("admin:kalshi_locked")
    context = site.each_context(request) | {
        "title": "Locked sign-ins",
        "rows": locked_sign_ins.locked(request),
        "max_rows": locked_sign_ins.MAX_SHOWN,
    }
    return TemplateResponse(request, "kalshi/admin/locked.html", context)
