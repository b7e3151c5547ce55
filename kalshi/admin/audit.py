"""The audit log and the addresses that credentials were used from: looked at, never written."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from kalshi.admin import marks, rules
from kalshi.admin.base import RuledAdmin
from kalshi.admin.site import site
from kalshi.models import Account, AuditEvent, SeenAddress
from kalshi.networks import network_of
from kalshi.services import audit_reading
from kalshi.services.audit import Action
from kalshi.services.verify_findings import masked_key_id

SHORT = 90
"""Characters of an event's details in the list."""
MAX_REMOVED = 100
"""Accounts that are gone, the last first, by which the list can be filtered."""
EXPORTED = ("account", "action")
"""Filters of the list that the CSV has as well."""


class ActionFilter(admin.SimpleListFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Action.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action=self.value()) if self.value() else queryset


class AccountFilter(admin.SimpleListFilter):
    """By an account that the person may see, or one that is gone and of which they may read the end."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        there = {account.slug: str(account) for account in rules.visible(Account, request.user)}
        removed = audit_reading.readable(request.user).filter(action=Action.ACCOUNT_REMOVED)
        slugs = removed.exclude(account="").values_list("account", flat=True)[:MAX_REMOVED]
        gone = {slug: f"{slug} (removed)" for slug in sorted(set(slugs) - set(there))}
        return [*there.items(), *gone.items()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return audit_reading.about(queryset, self.value() or "") if self.value() else queryset


def action_name(event: AuditEvent) -> str:
    """As people say it; one that this version does not know, as it is."""
    return str(dict(Action.choices).get(event.action, event.action))


@admin.register(AuditEvent, site=site)
class AuditEventAdmin(RuledAdmin):
    """Who sees which event: `access.audit_events`."""

    list_display = ("when", "who", "did", "about", "target", "address", "short")
    list_display_links = ("when",)
    list_filter = (AccountFilter, ActionFilter, "at")
    date_hierarchy = "at"
    search_fields = ("actor", "account", "target", "address", "request_id")
    search_help_text = "Person, account, target, address or request id"
    list_per_page = 100
    show_full_result_count = False
    change_list_template = "kalshi/admin/audit_list.html"
    fields = ("at", "who", "did", "about", "target", "address", "request_id", "shown_details")
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        chosen = urlencode({name: request.GET[name] for name in EXPORTED if request.GET.get(name)})
        context = {"export": f"{reverse('audit')}?{chosen}" if chosen else reverse("audit")}
        return super().changelist_view(request, context | (extra_context or {}))

    @display(description="at", ordering="at")
    def when(self, event: AuditEvent) -> str:
        return marks.moment(event.at)

    @display(description="actor", ordering="actor")
    def who(self, event: AuditEvent) -> str:
        """Commands act for nobody in particular; the details name them."""
        return event.actor or ("command line" if "via" in event.details else "-")

    @display(description="account", ordering="account")
    def about(self, event: AuditEvent) -> str:
        return event.account or "-"

    @display(description="action", ordering="action")
    def did(self, event: AuditEvent) -> str:
        return action_name(event)

    @display(description="details")
    def short(self, event: AuditEvent) -> str:
        text = json.dumps(event.details, ensure_ascii=False, sort_keys=True) if event.details else ""
        return text if len(text) <= SHORT else f"{text[:SHORT]}…"

    @display(description="details")
    def shown_details(self, event: AuditEvent) -> str:
        text = json.dumps(event.details, ensure_ascii=False, sort_keys=True, indent=2)
        return format_html('<pre class="kg-pre">{}</pre>', text)


@admin.register(SeenAddress, site=site)
class SeenAddressAdmin(RuledAdmin):
    list_display = ("shown", "network", "first", "last")
    fields = readonly_fields = ("shown", "network", "first", "last")
    search_fields = ("credential", "address")
    search_help_text = "Key id, the end of one, or address"

    @display(description="credential", ordering="credential")
    def shown(self, seen: SeenAddress) -> str:
        kind, _, identity = seen.credential.partition(":")
        return f"{kind} {masked_key_id(identity)}"

    @display(description="address", ordering="address")
    def network(self, seen: SeenAddress) -> str:
        return network_of(seen.address)

    @display(description="first seen", ordering="first_seen_at")
    def first(self, seen: SeenAddress) -> str:
        return marks.moment(seen.first_seen_at)

    @display(description="last seen", ordering="last_seen_at")
    def last(self, seen: SeenAddress) -> str:
        return marks.moment(seen.last_seen_at)
