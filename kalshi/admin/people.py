"""People: their passwords, second factors and grants. For superusers alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from unfold.admin import TabularInline
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from kalshi.admin import marks
from kalshi.admin.base import RuledAdmin
from kalshi.admin.confirm import confirm
from kalshi.admin.site import site
from kalshi.models import Grant
from kalshi.services import second_factor
from kalshi.services.signed_in import sign_out_everywhere


class PersonForm(UserChangeForm):
    """Nobody can lock themselves out by a slip. `acting` is set by the page."""

    acting: Any = None

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance == self.acting:
            for name in ("is_active", "is_superuser"):
                if not found.get(name):
                    self.add_error(name, ValidationError("You cannot take this from yourself."))
        return found


class GrantsOfPerson(TabularInline):
    model = Grant
    extra = 0
    hide_title = True
    verbose_name_plural = "accounts that the person may see"
    fields = ("account", "role")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser and request.user.is_active)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(get_user_model(), site=site)
class PersonAdmin(RuledAdmin, UserAdmin):  # type: ignore[type-arg]
    form = PersonForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (GrantsOfPerson,)
    list_display = ("username", "email", "sees", "second_factor", "active", "signed_in")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("username", "email", "first_name", "last_name")
    search_help_text = "Name or e-mail address"
    filter_horizontal = ()
    actions_detail = ("sign_out", "remove_second_factor")
    add_fieldsets = UserAdmin.add_fieldsets
    fieldsets = (
        (None, {"fields": (("username", "email"), ("first_name", "last_name"), "password")}),
        ("Rights", {"fields": ("is_active", "is_superuser")}),
        ("State", {"fields": ("second_factor", ("last_login", "date_joined"))}),
    )
    readonly_fields = ("second_factor", "last_login", "date_joined")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        made: Any = super().get_form(request, obj, change=change, **options)
        if obj is not None:
            made = type("PersonFormOfRequest", (made,), {"acting": request.user})
            if "is_superuser" in made.base_fields:
                made.base_fields["is_superuser"].help_text = "Owner of every account, and of this admin."
        return made

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj is not None else ()

    @display(description="sees")
    def sees(self, person: Any) -> str:
        if person.is_superuser:
            return marks.badge("everything", "sandbox")
        grants = person.kalshi_grants.select_related("account")
        shown = format_html_join(", ", "{} ({})", ((grant.account.slug, grant.role) for grant in grants))
        return shown or "nothing"

    @display(description="second factor")
    def second_factor(self, person: Any) -> str:
        return marks.badge("on", "good") if second_factor.is_on(person) else marks.badge("off", "quiet")

    @display(description="signed in", ordering="last_login")
    def signed_in(self, person: Any) -> str:
        return "never" if person.last_login is None else marks.moment(person.last_login)

    @display(description="active", ordering="is_active")
    def active(self, person: Any) -> str:
        return marks.switched(person.is_active)

    @action(description="Sign out everywhere", icon="logout", url_path="sign-out")
    def sign_out(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.row_to_change(request, object_id)

        def do() -> str:
            sign_out_everywhere(person)
            return f"{person} is signed out everywhere."

        says = (
            "Ends all sessions and open sign-in links within two seconds.",
            "Tokens and virtual keys stay good.",
        )
        return confirm(
            request, self, person, title=f"Sign {person} out everywhere", says=says, button="Sign out", do=do
        )

    @action(
        description="Remove second factor",
        icon="phonelink_erase",
        url_path="second-factor",
        permissions=["factor"],
    )
    def remove_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person = self.row_to_change(request, object_id)

        def do() -> str:
            second_factor.remove(person)
            return f"{person} signs in without a code from now on."

        says = (
            "For somebody who lost the telephone and the recovery codes.",
            "The password alone signs them in then.",
        )
        return confirm(
            request,
            self,
            person,
            title=f"Remove the second factor of {person}",
            says=says,
            button="Remove",
            do=do,
        )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """One's own is changed where it is asked for."""
        # An id can be written in many ways; the page is told that of the row that was judged.
        person = self.row_to_change(request, unquote(id))
        if person == request.user:
            return redirect("you-password")
        answer: HttpResponse = super().user_change_password(request, quote(str(person.pk)), form_url)
        return answer

    def has_factor_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """One's own is removed where a code is asked for."""
        person = self.get_object(request, object_id) if object_id else None
        return (
            person is not None
            and person != request.user
            and self.has_change_permission(request, person)
            and second_factor.is_on(person)
        )
