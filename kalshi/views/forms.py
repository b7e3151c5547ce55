"""What people type about themselves: passwords and codes.

| What is changed             | Asked for besides the session                                        |
|-----------------------------|----------------------------------------------------------------------|
| the password, the first too | the password, if there is one; a code, if the second factor is on    |
| new recovery codes          | the same                                                             |
| second factor removed       | the same                                                             |
| second factor added         | the password, if there is one; a code of the new app                 |
| signed out everywhere       | nothing: whoever needs it at once must not have to look for anything |
"""

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


class Confirmed(CodeForm):
    """Asks for all that signing in asks of this person, so that an open session alone changes nothing of it: the
    password if there is one, and a code of the app or a recovery code if the second factor is on.
    """

    password = forms.CharField(
        strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    field_order: tuple[str, ...] = ("password", "code")

    def __init__(self, request: HttpRequest, **options: Any) -> None:
        super().__init__(data=request.POST if request.method == "POST" else None, **options)
        self.request = request
        user: Any = request.user
        if user.has_usable_password():
            del self.fields["code"].widget.attrs["autofocus"]  # it is not the first
        else:
            del self.fields["password"]
        if not second_factor.is_on(user):
            del self.fields["code"]

    def clean_password(self) -> str:
        """Guessing is slowed down as at sign-in."""
        password: str = self.cleaned_data["password"]
        user: Any = self.request.user
        if authenticate(self.request, username=user.get_username(), password=password) is None:
            raise ValidationError("This is not your password.")
        return password

    def clean(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = super().clean()
        if "code" in self.fields and not self.errors:
            # Last, because each is good once: a form with another mistake spends none.
            self._check_code(self.cleaned_data["code"])
        return found

    def _check_code(self, code: str) -> None:
        try:
            if not second_factor.verify(self.request.user, code):
                self.add_error("code", "This code is not right.")
        except second_factor.Unavailable as problem:
            self.add_error("code", f"{problem} A recovery code works.")


class NewPassword(Confirmed, SetPasswordForm):  # type: ignore[type-arg]
    """Also the first one of somebody who has signed in by link only."""

    field_order = ("password", "code", "new_password1", "new_password2")

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, user=request.user)
