"""Accounts at Kalshi: their keys, whether a key works, and who may see what."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from unfold.admin import TabularInline
from unfold.decorators import action

from kalshi.admin import marks
from kalshi.admin.account_forms import AccountForm, GrantForm, GrantFormSet, PlainAccountForm
from kalshi.admin.base import RuledAdmin
from kalshi.admin.site import site
from kalshi.models import Account, AuditEvent, Grant
from kalshi.services import access, account_test, audit
from kalshi.services.audit import Action
from kalshi.upstream.credentials import fingerprint


class Grants(TabularInline):
    """Owners give and take; operators look."""

    model = Grant
    form = GrantForm
    formset = GrantFormSet
    extra = 0
    hide_title = True
    verbose_name_plural = "who may see it"
    fields = ("person", "role")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, obj, Grant.Role.OPERATOR)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._holds(request, obj, Grant.Role.OWNER)

    has_change_permission = has_delete_permission = has_add_permission

    @staticmethod
    def _holds(request: HttpRequest, account: Any, role: str) -> bool:
        """Without an account: for some account, which Django asks before it looks at the rows of any."""
        user: Any = request.user
        return access.held(user, role).exists() if account is None else access.may(user, account, role)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if self.has_change_permission(request, obj) else ("user", "role")


@admin.register(Account, site=site)
class AccountAdmin(RuledAdmin):
    list_display = ("label", "environment_badge", "slug", "key", "subaccount", "on", "last_test")
    list_display_links = ("label",)
    list_filter = ("environment", "enabled")
    search_fields = ("label", "slug")
    ordering = ("slug",)
    inlines = (Grants,)
    actions_detail = ("test",)
    search_help_text = "Label or name"

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        options["form"] = AccountForm if self._may_change_key(request, obj) else PlainAccountForm
        options["fields"] = options["form"].Meta.fields
        return super().get_form(request, obj, change=change, **options)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return (
                (None, {"fields": ("label", "slug", "environment", "subaccount", "enabled")}),
                ("Key", {"fields": ("new_key_id", "private_key")}),
            )
        if self._may_change_key(request, obj):
            return (
                (None, {"fields": ("label", "slug", "environment", "subaccount", "enabled")}),
                ("Key", {"fields": ("key", "new_key_id", "private_key")}),
                ("State", {"fields": ("last_test", "created_at", "updated_at")}),
            )
        return (
            (None, {"fields": ("label", "slug", "environment_badge", "subaccount", "enabled")}),
            ("State", {"fields": ("key", "last_test", "created_at", "updated_at")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        always = ("key", "last_test", "created_at", "updated_at", "environment_badge")
        if not self._may_change_key(request, obj):
            return (*always, "slug", "subaccount")
        # The subaccount bounds what owners see of the account at Kalshi, so they cannot be the ones to lift it. A name
        # that is taken must be refused, which would tell them that there is an account of it.
        return always if request.user.is_superuser else (*always, "slug", "subaccount")

    @staticmethod
    def _may_change_key(request: HttpRequest, account: Account | None) -> bool:
        """Operators change how it is called and whether it is on; the key belongs to owners."""
        user: Any = request.user
        if account is None:
            return bool(user.is_superuser)
        return not account.from_environment and access.may(user, account, Grant.Role.OWNER)

    @method_decorator(sensitive_post_parameters("private_key"))
    @method_decorator(sensitive_variables())
    def changeform_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        """A report of an error here holds no private key."""
        return super().changeform_view(request, *arguments, **options)

    @display(description="environment", ordering="environment")
    def environment_badge(self, account: Account) -> str:
        return marks.environment(account)

    @display(description="on", ordering="enabled")
    def on(self, account: Account) -> str:
        return marks.switched(account.enabled)

    @display(description="key fingerprint")
    def key(self, account: Account) -> str:
        """A fingerprint: the id itself is nobody's business, and the key even less."""
        if account.from_environment:
            return "of the environment"
        if not account.key_id or not account.sealed_key:
            return "none"
        return format_html("<code>{}</code>", fingerprint(account.key_id))

    @display(description="last test")
    def last_test(self, account: Account) -> str:
        # Versions that did not tell the account named it as the target.
        of_it = Q(account_uid=account.uid) | Q(account_uid=None, target=account.slug)
        found = AuditEvent.objects.filter(of_it, action=Action.ACCOUNT_TESTED).first()
        if found is None:
            return "never"
        worst = found.details.get("result", "ok")
        kind = {"ok": "good", "warn": "warn"}.get(worst, "bad")
        return format_html("{} {} ago", marks.badge(worst, kind), timesince(found.at).split(",")[0])

    @action(description="Test", icon="network_check", url_path="test")
    def test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET shows the button; POST signs requests with the account's key and shows what came of it."""
        account: Account = self.row_to_change(request, object_id)
        context = self.admin_site.each_context(request) | {
            "title": f"Test {account}",
            "account": account,
            "opts": self.model._meta,
            "back": reverse("admin:kalshi_account_change", args=(account.pk,)),
            "environment_badge": marks.environment(account),
        }
        if request.method == "POST":
            found = account_test.run(account)
            statuses = {finding.status for finding in found}
            worst = next((status for status in ("fail", "warn") if status in statuses), "ok")
            details = {"result": worst} | {finding.name: finding.status for finding in found}
            audit.record(Action.ACCOUNT_TESTED, target=account.slug, account=account, details=details)
            context |= {"findings": found, "worst": worst}
        return TemplateResponse(request, "kalshi/admin/account_test.html", context)
