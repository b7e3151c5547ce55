"""What people type about accounts and grants. A private key goes in and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from kalshi import conf
from kalshi.errors import ConfigError
from kalshi.models import Account, Grant
from kalshi.services import account_keys
from kalshi.upstream.keyfile import MAX_BYTES


class WriteOnlyTextarea(UnfoldAdminTextareaWidget):
    """Shows nothing of what it was given, not even when the form comes back with an error."""

    def format_value(self, value: Any) -> None:
        return None


class PlainAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """What an operator may change, and all that can be changed of the default account."""

    class Meta:
        model = Account
        fields = ("label", "enabled")


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account with a key of its own."""

    new_key_id = forms.CharField(
        label="Key id",
        required=False,
        max_length=128,
        widget=UnfoldAdminTextInputWidget({"autocomplete": "off", "spellcheck": "false"}),
    )
    private_key = forms.CharField(
        label="Private key",
        required=False,
        max_length=MAX_BYTES,
        help_text="PEM as Kalshi hands it out, with real newlines, \\n escapes, on one line, or as base64. "
        "Sealed at once and never shown again.",
        widget=WriteOnlyTextarea({"autocomplete": "off", "spellcheck": "false", "rows": 6}),
    )

    class Meta:
        model = Account
        fields = ("label", "slug", "environment", "subaccount", "enabled")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        is_new = self.instance._state.adding
        self.fields["environment"].required = True
        for name in ("new_key_id", "private_key"):
            self.fields[name].required = is_new
        if not is_new:
            self.fields[
                "new_key_id"
            ].help_text = "Empty: as it is. A new key id needs its private key as well."

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        key_id = found.get("new_key_id")
        is_other = key_id and key_id != self.instance.key_id
        if is_other and not found.get("private_key") and "private_key" not in self.errors:
            self.add_error("private_key", "The private key of the new key id is needed.")
        return found

    def _post_clean(self) -> None:
        """Seal the key into the row, once everything else is right."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        account: Account = self.instance
        try:
            account_keys.setup_of(account, conf.setup())
        except ConfigError as problem:
            self.add_error("environment", problem.message)
            return
        if not self.cleaned_data.get("private_key"):
            return
        account.key_id = self.cleaned_data.get("new_key_id") or account.key_id
        try:
            account_keys.seal(account, self.cleaned_data["private_key"])
        except ConfigError as problem:
            self.add_error("private_key", problem.message)


class GrantForm(forms.ModelForm):  # type: ignore[type-arg]
    """Names the person in full: a list to choose from would tell an owner of one account who else there is."""

    person = forms.CharField(label="User name", max_length=150, widget=UnfoldAdminTextInputWidget())

    class Meta:
        model = Grant
        fields = ("role",)

    field_order = ("person", "role")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.instance.pk:
            self.fields["person"].initial = self.instance.user.get_username()
            self.fields["person"].disabled = True

    def clean_person(self) -> str:
        name: str = self.cleaned_data["person"]
        if self.instance.pk:
            return name
        person = get_user_model().objects.filter(username=name, is_active=True).first()
        if person is None:
            raise ValidationError("There is no active person of this name.")
        if (
            self.instance.account_id
            and Grant.objects.filter(user=person, account=self.instance.account).exists()
        ):
            raise ValidationError("This person has a grant already: change that one.")
        self.instance.user = person
        return name


class GrantFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        # Else the removal of a grant that is not there would be answered as if it had worked.
        if any(form.instance.pk is None for form in self.initial_forms):
            raise ValidationError("Somebody else took a grant away meanwhile; load the page again.")
        names = [
            form.cleaned_data.get("person") for form in self.forms if getattr(form, "cleaned_data", None)
        ]
        names = [name for name in names if name]
        if len(names) != len(set(names)):
            raise ValidationError("One person can have one grant only.")
