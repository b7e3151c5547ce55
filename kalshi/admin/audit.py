"""The audit log and the addresses that credentials were used from: looked at, never written."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.html import format_html

from kalshi.admin import marks
from kalshi.admin.base import RuledAdmin
from kalshi.admin.site import site
from kalshi.models import AuditEvent, SeenAddress
from kalshi.services import access
from kalshi.services.audit import Action

SHORT = 90
"""Characters of an event's details in the list."""


class ActionFilter(admin.SimpleListFilter):
    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Action.choices]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action=self.value()) if self.value() else queryset


def action_name(event: AuditEvent) -> str:
    """As people say it; one that this version does not know, as it is."""
    return str(dict(Action.choices).get(event.action, event.action))


@admin.register(AuditEvent, site=site)
class AuditEventAdmin(RuledAdmin):
    """Owners of every account see the whole log, everybody else what they did themselves."""

    list_display = ("when", "actor", "did", "target", "address", "short")
    list_display_links = ("when",)
    list_filter = (ActionFilter, "at")
    date_hierarchy = "at"
    search_fields = ("actor", "target", "address", "request_id")
    search_help_text = "Person, target, address or request id"
    list_per_page = 100
    show_full_result_count = False
    change_list_template = "kalshi/admin/audit_list.html"
    fields = ("at", "actor", "did", "target", "address", "request_id", "shown_details")
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = {"may_export": access.may_audit(request.user)} | (extra_context or {})
        return super().changelist_view(request, context)

    @display(description="at", ordering="at")
    def when(self, event: AuditEvent) -> str:
        return marks.moment(event.at)

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
    list_display = ("credential", "address", "first", "last")
    search_fields = ("credential", "address")
    search_help_text = "Key id, token key or address"

    @display(description="first seen", ordering="first_seen_at")
    def first(self, seen: SeenAddress) -> str:
        return marks.moment(seen.first_seen_at)

    @display(description="last seen", ordering="last_seen_at")
    def last(self, seen: SeenAddress) -> str:
        return marks.moment(seen.last_seen_at)
