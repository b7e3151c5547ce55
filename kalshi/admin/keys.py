"""Virtual keys: made and shown once, limited, blocked, revoked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget

from kalshi.admin import marks, rules
from kalshi.admin.base import RuledAdmin
from kalshi.admin.confirm import confirm
from kalshi.admin.shown_once import shown_once
from kalshi.admin.site import site
from kalshi.models import Account, Grant, VirtualKey
from kalshi.services import access, virtual_keys
from kalshi.services.virtual_keys import Issued

_TYPES = [("rsa", "RSA"), ("ed25519", "Ed25519")]
_KINDS = {"good": "good", "blocked": "warn", "expired": "quiet", "revoked": "bad"}


class _KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    operations = forms.MultipleChoiceField(
        required=False,
        widget=UnfoldAdminSelectMultipleWidget({"size": 10}),
        help_text="Operations that it may read; none chosen: all.",
    )

    class Meta:
        model = VirtualKey
        fields = ("label", "operations", "requests_per_s", "expires_at", "blocked")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if "operations" in self.fields:
            # One that a later version does not know any more stays until somebody takes it out.
            names = sorted({*virtual_keys.operations(), *(self.instance.operations or [])})
            self.fields["operations"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class NewKeyForm(_KeyForm):
    """Makes the key when it is saved."""

    kind = forms.ChoiceField(
        label="Key type",
        choices=_TYPES,
        widget=UnfoldAdminSelectWidget(),
        help_text="RSA is what Kalshi's own clients use; Ed25519 is smaller and faster.",
    )
    issued: Issued

    class Meta:
        model = VirtualKey
        fields = ("label", "account", "user", "operations", "requests_per_s", "expires_at")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        user, account, expires_at = found.get("user"), found.get("account"), found.get("expires_at")
        if user and account and not access.may(user, account, Grant.Role.VIEWER):
            self.add_error("user", f"{user} may not see {account}; grant it first.")
        if expires_at is not None and not VirtualKey(expires_at=expires_at).is_good:
            self.add_error("expires_at", "The expiry lies in the past.")
        return found

    def save(self, commit: bool = True) -> VirtualKey:
        found = self.cleaned_data
        self.issued = virtual_keys.issue(
            found["user"],
            found["account"],
            found["label"],
            key_type=found["kind"],
            allowed=found["operations"],
            requests_per_s=found["requests_per_s"],
            expires_at=found["expires_at"],
        )
        return self.issued.key

    def save_m2m(self) -> None:
        """There is nothing left to save."""


class AccountFilter(admin.SimpleListFilter):
    """By one of the accounts whose keys the person may see; Django's own would name all of them."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(account.slug, str(account)) for account in rules.visible(Account, request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[VirtualKey]) -> QuerySet[VirtualKey]:
        return queryset.filter(account__slug=self.value()) if self.value() else queryset


@admin.register(VirtualKey, site=site)
class VirtualKeyAdmin(RuledAdmin):
    list_display = (
        "label",
        "user",
        "account",
        "kind",
        "allowed",
        "limit",
        "expires",
        "last_used",
        "used_count",
        "state",
    )
    list_filter = (AccountFilter, "key_type", "blocked")
    search_fields = ("label", "user__username", "account__slug", "key_id")
    search_help_text = "Label, owner, account or key id"
    list_select_related = ("user", "account")
    actions = ("block", "unblock")
    actions_detail = ("revoke",)
    readonly_fields = (
        "key_id",
        "user",
        "account",
        "kind",
        "state",
        "created_at",
        "last_used_at",
        "used_count",
        "revoked_at",
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        options["form"] = _KeyForm if change else NewKeyForm
        return super().get_form(request, obj, change=change, **options)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (
                (None, {"fields": ("label", "account", "user", "kind")}),
                ("Limits", {"fields": ("operations", "requests_per_s", "expires_at")}),
            )
        return (
            (None, {"fields": ("label", "key_id", ("user", "account"), ("kind", "state"))}),
            ("Limits", {"fields": ("operations", "requests_per_s", "expires_at", "blocked")}),
            ("Use", {"fields": (("last_used_at", "used_count"), ("created_at", "revoked_at"))}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else self.readonly_fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Accounts that one owns, and oneself: what a key does is logged under its owner's name, and whoever makes it
        holds its private half. Superusers, who could sign in as anybody, choose among all people.
        """
        user: Any = request.user
        if db_field.name == "account":
            options["queryset"] = access.held(user, Grant.Role.OWNER)
        elif db_field.name == "user":
            people = get_user_model().objects.filter(is_active=True).order_by("username")
            options["queryset"] = people if user.is_superuser else people.filter(pk=user.pk)
            options["initial"] = user.pk
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: VirtualKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: VirtualKey, post_url_continue: Any = None
    ) -> HttpResponse:
        issued: Issued = request.kalshi_issued  # type: ignore[attr-defined]
        facts = {"Key id": str(obj.key_id), "Account": str(obj.account), "Owner": str(obj.user)}
        return shown_once(
            request,
            self,
            obj,
            secret=issued.private_key,
            facts=facts,
            file=f"{obj.key_id}.pem",
            use="Give a Kalshi client this key id and private key, and /trade-api/v2 here as its address.",
        )

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        row = super().save_form(request, form, change)
        if not change:
            request.kalshi_issued = form.issued  # type: ignore[attr-defined]
        return row

    @display(description="type", ordering="key_type")
    def kind(self, key: VirtualKey) -> str:
        return dict(_TYPES).get(key.key_type, key.key_type)

    @display(description="expires", ordering="expires_at")
    def expires(self, key: VirtualKey) -> str:
        return "never" if key.expires_at is None else marks.moment(key.expires_at)

    @display(description="last used", ordering="last_used_at")
    def last_used(self, key: VirtualKey) -> str:
        return "never" if key.last_used_at is None else marks.moment(key.last_used_at)

    @display(description="operations")
    def allowed(self, key: VirtualKey) -> str:
        names = key.operations
        return "all" if not names else names[0] if len(names) == 1 else f"{len(names)} operations"

    @display(description="limit", ordering="requests_per_s")
    def limit(self, key: VirtualKey) -> str:
        return "none" if key.requests_per_s is None else f"{key.requests_per_s:g}/s"

    @display(description="state")
    def state(self, key: VirtualKey) -> str:
        found = virtual_keys.state(key)
        return marks.badge(found, _KINDS[found])

    @action(description="Block", permissions=["change"])
    def block(self, request: HttpRequest, keys: QuerySet[VirtualKey]) -> None:
        self._set_blocked(request, keys, blocked=True)

    @action(description="Unblock", permissions=["change"])
    def unblock(self, request: HttpRequest, keys: QuerySet[VirtualKey]) -> None:
        self._set_blocked(request, keys, blocked=False)

    def _set_blocked(self, request: HttpRequest, keys: QuerySet[VirtualKey], *, blocked: bool) -> None:
        """One by one, so that the audit log sees each. Keys that one may only look at stay as they are."""
        mine = [key for key in keys if self.has_change_permission(request, key)]
        for key in mine:
            key.blocked = blocked
            key.save(update_fields=["blocked"])
        word = "Blocked" if blocked else "Unblocked"
        messages.success(request, f"{word}: {len(mine)}. In force everywhere within two seconds.")
        if len(mine) < len(keys):
            messages.warning(request, "Keys of accounts that you do not own were left as they are.")

    @action(description="Revoke", icon="block", url_path="revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key: VirtualKey = self.row_to_change(request, object_id)

        def do() -> str:
            virtual_keys.revoke(key)
            return f"{key} is revoked, in force everywhere within two seconds."

        says = ("Every request that is signed with it is refused from then on.", "This cannot be undone.")
        return confirm(request, self, key, title=f"Revoke {key}", says=says, button="Revoke", do=do)

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        row = self.get_object(request, object_id) if object_id else None
        return row is not None and row.revoked_at is None and self.has_change_permission(request, row)
