"""What people type about themselves: passwords and codes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from kalshi.services import second_factor


class CodeForm(forms.Form):
    """A code of an authenticator app, or a recovery code."""

    code = forms.CharField(
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "text",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )


class _Confirmed(forms.Form):
    """Asks for the password again, whose guessing is slowed down as at sign-in."""

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    request: HttpRequest

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user: Any = self.request.user
        if authenticate(self.request, username=user.get_username(), password=password) is None:
            raise ValidationError("This is not your password.")
        return password


class ConfirmByPassword(_Confirmed):
    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        self.request = request
        super().__init__(*arguments, **options)


class ConfirmByCode(CodeForm):
    """For people without a password."""

    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        self.request = request
        super().__init__(*arguments, **options)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            right = second_factor.verify(self.request.user, code)
        except second_factor.Unavailable as problem:
            raise ValidationError(str(problem)) from None
        if not right:
            raise ValidationError("This code is not right.")
        return code


def confirmation(request: HttpRequest) -> forms.Form:
    """The form by which somebody who changes their second factor proves to be themselves."""
    user: Any = request.user
    kind = ConfirmByPassword if user.has_usable_password() else ConfirmByCode
    return kind(request, request.POST if request.method == "POST" else None)


class FirstPassword(SetPasswordForm):  # type: ignore[type-arg]
    """For somebody who has signed in by link only."""

    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        super().__init__(request.user, *arguments, **options)


class NewPassword(FirstPassword, _Confirmed):
    field_order = ("password", "new_password1", "new_password2")

    def __init__(self, request: HttpRequest, *arguments: Any, **options: Any) -> None:
        self.request = request
        super().__init__(request, *arguments, **options)
