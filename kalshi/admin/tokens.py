"""Bearer tokens: made for oneself and shown once; revoked by deletion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from kalshi.admin import marks
from kalshi.admin.base import RuledAdmin
from kalshi.admin.shown_once import shown_once
from kalshi.admin.site import site
from kalshi.models import Account, ApiToken
from kalshi.services import access

MAX_DAYS = 3650


class NewTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """Makes the token when it is saved. `request` is set by the page."""

    days = forms.IntegerField(
        label="Valid for (days)",
        min_value=1,
        max_value=MAX_DAYS,
        initial=365,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    request: HttpRequest
    secret: str

    class Meta:
        model = ApiToken
        fields = ("name", "scope", "account")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if found.get("scope") == ApiToken.Scope.METRICS and not access.may_watch(self.request.user):
            self.add_error("scope", ValidationError("Only superusers may watch the whole gateway."))
        return found

    def save(self, commit: bool = True) -> ApiToken:
        found = self.cleaned_data
        row, self.secret = ApiToken.objects.create(
            self.request.user,
            expiry=timedelta(days=found["days"]),
            name=found["name"].strip(),
            scope=found["scope"],
            account=found["account"],
        )
        return row  # type: ignore[no-any-return]

    def save_m2m(self) -> None:
        """There is nothing left to save."""


@admin.register(ApiToken, site=site)
class ApiTokenAdmin(RuledAdmin):
    list_display = ("name", "user", "scope", "opens", "made", "expires", "state")
    list_filter = ("scope",)
    search_fields = ("name", "user__username")
    search_help_text = "Name or owner"
    list_select_related = ("user", "account")
    fields = ("name", "user", "scope", "opens", "created", "expiry", "state")
    readonly_fields = ("user", "scope", "opens", "created", "expiry", "state")
    actions = ("delete_selected",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        if change:
            return super().get_form(request, obj, change=change, **options)
        form: Any = super().get_form(request, obj, change=change, **(options | {"form": NewTokenForm}))
        return type("NewTokenFormOfRequest", (form,), {"request": request})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "scope", "account", "days") if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.readonly_fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "account":
            seen = [account.pk for account in access.accounts(request.user)]
            options["queryset"] = Account.objects.filter(pk__in=seen)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        row = super().save_form(request, form, change)
        if not change:
            request.kalshi_secret = form.secret  # type: ignore[attr-defined]
        return row

    def response_add(
        self, request: HttpRequest, obj: ApiToken, post_url_continue: Any = None
    ) -> HttpResponse:
        secret: str = request.kalshi_secret  # type: ignore[attr-defined]
        facts = {"Scope": str(obj.scope), "Opens": self.opens(obj), "Owner": str(obj.user)}
        use = "Send it as the header Authorization: Bearer TOKEN."
        return shown_once(request, self, obj, secret=secret, facts=facts, file="kalshi-token.txt", use=use)

    @display(description="opens", ordering="account__slug")
    def opens(self, token: ApiToken) -> str:
        if token.scope == ApiToken.Scope.METRICS:
            return "/metrics"
        return str(token.account) if token.account else "all that its owner may see"

    @display(description="made", ordering="created")
    def made(self, token: ApiToken) -> str:
        return marks.moment(token.created)

    @display(description="expires", ordering="expiry")
    def expires(self, token: ApiToken) -> str:
        return "never" if token.expiry is None else marks.moment(token.expiry)

    @display(description="state", ordering="expiry")
    def state(self, token: ApiToken) -> str:
        expired = token.expiry is not None and token.expiry <= timezone.now()
        return marks.badge("expired", "quiet") if expired else marks.badge("good", "good")
