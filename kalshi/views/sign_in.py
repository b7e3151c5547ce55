"""Signing in and out: with a password, or with a one-time link that only a click spends."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kalshi.models import SignInCode


class PasswordSignIn(LoginView):
    template_name = "kalshi/sign_in.html"
    redirect_authenticated_user = True


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, code: str) -> HttpResponse:
    """GET shows a button, so that a link preview burns nothing; POST spends the code and signs in."""
    if request.method != "POST":
        return _link_page(request, is_open=SignInCode.is_open(code))
    user = SignInCode.spend(code)
    if user is None:
        return _link_page(request, is_open=False)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect(settings.LOGIN_REDIRECT_URL)


def _link_page(request: HttpRequest, *, is_open: bool) -> HttpResponse:
    page = render(request, "kalshi/sign_in_link.html", {"is_open": is_open}, status=200 if is_open else 410)
    # The code stands in this page's address, which must not travel on as a Referer.
    page["Referrer-Policy"] = "strict-origin"
    return page


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Also empties the browser's cache of what this person saw."""
    logout(request)
    response = redirect(settings.LOGIN_URL)
    response["Clear-Site-Data"] = '"cache"'
    return response
