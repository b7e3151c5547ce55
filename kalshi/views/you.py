"""What signed-in people change about themselves: password, second factor, where they are signed in."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import View

from kalshi.services import second_factor, signed_in
from kalshi.views import attempts
from kalshi.views.forms import CodeForm, Confirmed, NewPassword
from kalshi.views.sign_in import signed_out


def _session(request: HttpRequest) -> str:
    """The key of the session, which everybody who is signed in has."""
    return str(request.session.session_key)


@require_safe
@never_cache
@login_required
def overview(request: HttpRequest) -> HttpResponse:
    user: Any = request.user
    shown = {
        "has_password": user.has_usable_password(),
        "has_second_factor": second_factor.is_on(user),
        "codes_left": second_factor.recovery_codes_left(user),
    }
    return render(request, "kalshi/you.html", shown)


class _Page(View):
    """For signed-in people, never kept by a cache. Each has a form that checks a password or a code."""

    @method_decorator(never_cache)
    @method_decorator(login_required)
    def dispatch(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        refusal = attempts.refusal(request) if request.method == "POST" else None
        return refusal or super().dispatch(request, *arguments, **options)


class Password(_Page):
    """Changing it ends all other sessions: Django signs them with the password's hash."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, NewPassword(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NewPassword(request)
        if not form.is_valid():
            return self._page(request, form)
        form.save()
        update_session_auth_hash(request, form.user)
        messages.success(request, "Your password is saved. Other browsers were signed out.")
        return redirect("you")

    @staticmethod
    def _page(request: HttpRequest, form: Any) -> HttpResponse:
        return render(request, "kalshi/you_password.html", {"form": form})


class AddSecondFactor(_Page):
    def dispatch(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        if request.user.is_authenticated and second_factor.is_on(request.user):
            return redirect("you")
        try:
            return super().dispatch(request, *arguments, **options)
        except second_factor.Unavailable as problem:
            shown = {"problem": str(problem)}
            return render(request, "kalshi/you_second_factor.html", shown, status=503)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, CodeForm(), Confirmed(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form, own = CodeForm(request.POST), Confirmed(request)
        if form.is_valid() and own.is_valid():
            try:
                codes = second_factor.confirm(request.user, _session(request), form.cleaned_data["code"])
            except second_factor.NoLongerOffered:
                if second_factor.is_on(request.user):  # the button was pressed twice
                    return redirect("you")
                form.add_error("code", "The key that you were shown counts no more. Scan this new one.")
                return self._page(request, form, own)
            if codes is not None:
                # They were opened with less than is asked for from now on.
                signed_in.end_sessions(request.user, but=_session(request))
                return render(request, "kalshi/you_codes.html", {"codes": codes, "is_new": True})
            form.add_error("code", "This code is not right. Is the clock of your telephone right?")
        return self._page(request, form, own)

    @staticmethod
    def _page(request: HttpRequest, form: CodeForm, own: Confirmed) -> HttpResponse:
        offer = second_factor.offered(request.user, _session(request))
        shown = {
            "form": form,
            "own": own,
            "qr": mark_safe(offer.qr_svg),  # noqa: S308 - made by the QR library from our own text
            "key": offer.spelled,
        }
        return render(request, "kalshi/you_second_factor.html", shown)


class RemoveSecondFactor(_Page):
    title = "Remove the second factor"
    words = "From then on your password, or a sign-in link, is enough. The recovery codes become worthless."
    button = "Remove it"

    def dispatch(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        if request.user.is_authenticated and not second_factor.is_on(request.user):
            return redirect("you")
        return super().dispatch(request, *arguments, **options)

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._page(request, Confirmed(request))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = Confirmed(request)
        return self.done(request) if form.is_valid() else self._page(request, form)

    def done(self, request: HttpRequest) -> HttpResponse:
        second_factor.remove(request.user)
        messages.success(request, "The second factor is removed.")
        return redirect("you")

    def _page(self, request: HttpRequest, form: Any) -> HttpResponse:
        shown = {"form": form, "title": self.title, "words": self.words, "button": self.button}
        return render(request, "kalshi/you_confirm.html", shown)


class NewRecoveryCodes(RemoveSecondFactor):
    title = "New recovery codes"
    words = "The codes that you have become worthless, and ten new ones are shown once."
    button = "Make new codes"

    def done(self, request: HttpRequest) -> HttpResponse:
        codes = second_factor.new_recovery_codes(request.user)
        return render(request, "kalshi/you_codes.html", {"codes": codes, "is_new": False})


@require_POST
@login_required
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """This browser included."""
    signed_in.sign_out_everywhere(request.user, credentials="credentials" in request.POST)
    logout(request)
    return signed_out()
