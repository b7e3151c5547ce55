"""Signing in and out: with a password or a one-time link that only a click spends, and a code where one is set up."""

from __future__ import annotations

import math
from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import login, logout
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kalshi.models import SignInCode
from kalshi.services import first_step, second_factor
from kalshi.services.audit_sign_in import HOW
from kalshi.services.locked_sign_ins import counted_address
from kalshi.views import attempts
from kalshi.views.forms import CodeForm

BACKEND = "django.contrib.auth.backends.ModelBackend"


class PasswordSignIn(LoginView):
    template_name = "kalshi/sign_in.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        return attempts.refusal(request) or super().post(request, *arguments, **options)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        return _first_step_done(self.request, form.get_user(), "password", self.get_success_url())


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, code: str) -> HttpResponse:
    """GET shows a button, so that a link preview burns nothing; POST spends the code and signs in.

    Links are made on the server's command line. Whoever can do that for a superuser could as well take the second
    factor away, so there the link is enough: it is the way back in when the telephone is lost.
    """
    if request.method != "POST":
        return _link_page(request, is_open=SignInCode.is_open(code))
    user = SignInCode.spend(code)
    if user is None:
        return _link_page(request, is_open=False)
    return _first_step_done(
        request, user, "link", str(settings.LOGIN_REDIRECT_URL), is_enough=user.is_superuser
    )


def _first_step_done(
    request: HttpRequest, user: Any, how: str, target: str, *, is_enough: bool = False
) -> HttpResponse:
    """Sign in, or ask for the code first."""
    if is_enough or not second_factor.is_on(user):
        return _sign_in(request, user, {"with": how}, target)
    first_step.take(request, user, how, target)
    return redirect("sign-in-code")


def _sign_in(request: HttpRequest, user: Any, how: dict[str, Any], target: str) -> HttpResponse:
    setattr(request, HOW, how)
    if not request.user.is_authenticated:
        request.session.flush()  # of a half-finished sign-in, which ends sooner
    login(request, user, backend=BACKEND)
    return redirect(target)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step."""
    half = first_step.taken(request)
    if half is None:
        request.session.pop(first_step.KEY, None)
        return redirect("sign-in")
    user = half.user
    form = CodeForm(request.POST or None)
    if request.method != "POST":
        return render(request, "kalshi/sign_in_code.html", {"form": form})
    refusal = attempts.refusal(request)
    if refusal is not None:
        return refusal
    wait_s, status = second_factor.refused_for_s(user), 200
    if form.is_valid():
        # A recovery code is good even while the app's codes are refused.
        try:
            if second_factor.verify(user, form.cleaned_data["code"]):
                return _sign_in(request, user, {"with": half.how, "second factor": True}, half.target)
        except second_factor.Unavailable as problem:
            status = 503
            form.add_error("code", f"{problem} A recovery code works.")
        else:
            form.add_error("code", _too_many_codes(wait_s) if wait_s else "This code is not right.")
    page = render(request, "kalshi/sign_in_code.html", {"form": form}, status=429 if wait_s else status)
    if wait_s:
        page["Retry-After"] = str(wait_s)
    return page


def _too_many_codes(wait_s: int) -> str:
    return f"Too many wrong codes: wait for {attempts.spoken(wait_s)}, or use a recovery code."


def _link_page(request: HttpRequest, *, is_open: bool) -> HttpResponse:
    page = render(request, "kalshi/sign_in_link.html", {"is_open": is_open}, status=200 if is_open else 410)
    # The code stands in this page's address, which must not travel on as a Referer.
    page["Referrer-Policy"] = "strict-origin"
    return page


def locked(
    request: HttpRequest, response: HttpResponseBase | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """What django-axes answers with once a name failed too often from one address."""
    name = (credentials or {}).get("username")
    attempt = (
        AccessAttempt.objects.filter(username=name, ip_address=counted_address(request))
        .order_by("-attempt_time")
        .first()
    )
    cool_off = get_cool_off(request)
    left_s = 1
    if attempt is not None and cool_off is not None:
        left_s = max(1, math.ceil((attempt.attempt_time + cool_off - timezone.now()).total_seconds()))
    return attempts.try_later(request, left_s)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Also empties the browser's cache of what this person saw."""
    logout(request)
    return signed_out()


def signed_out() -> HttpResponse:
    response = redirect(settings.LOGIN_URL)
    response["Clear-Site-Data"] = '"cache"'
    return response
