"""The admin: endpoint settings, tokens. Users and groups are Django's own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from kalshi.models import ApiToken, AuditEvent, EndpointPolicy, SeenAddress
from kalshi.upstream.endpoints import ENDPOINTS

admin.site.site_header = "Kalshi gateway"
admin.site.site_title = "Kalshi gateway"
admin.site.index_title = "Configuration"


@admin.register(EndpointPolicy)
class EndpointPolicyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """One row for each endpoint; rows come from the endpoint table and can only be changed."""

    list_display = ("__str__", "upstream_path", "fresh", "keep", "patience", "enabled", "updated_at")
    list_editable = ("enabled",)
    fields = ("upstream_path", "built_in", "fresh_s", "keep_s", "patience_s", "enabled", "updated_at")
    readonly_fields = ("upstream_path", "built_in", "updated_at")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Kalshi path")
    def upstream_path(self, row: EndpointPolicy) -> str:
        endpoint = ENDPOINTS.get(row.operation)
        return endpoint.path if endpoint else "(no longer used)"

    @admin.display(description="built-in numbers")
    def built_in(self, row: EndpointPolicy) -> str:
        endpoint = ENDPOINTS.get(row.operation)
        if endpoint is None:
            return "-"
        return f"fresh {endpoint.fresh_s:g} s, keep {endpoint.keep_s:g} s, patience {endpoint.patience_s:g} s"

    @admin.display(description="fresh (s)")
    def fresh(self, row: EndpointPolicy) -> str:
        return self._shown(row, "fresh_s")

    @admin.display(description="keep (s)")
    def keep(self, row: EndpointPolicy) -> str:
        return self._shown(row, "keep_s")

    @admin.display(description="patience (s)")
    def patience(self, row: EndpointPolicy) -> str:
        return self._shown(row, "patience_s")

    @staticmethod
    def _shown(row: EndpointPolicy, field: str) -> str:
        chosen = getattr(row, field)
        if chosen is not None:
            return f"{chosen:g}"
        endpoint = ENDPOINTS.get(row.operation)
        return f"{getattr(endpoint, field):g} (built-in)" if endpoint else "-"


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Tokens are made with `manage.py create_token`; deleting one here revokes it."""

    list_display = ("name", "user", "scope", "created", "expiry")
    list_filter = ("user", "scope")
    search_fields = ("name", "user__username")
    fields = ("name", "user", "scope", "created", "expiry")
    readonly_fields = ("user", "scope", "created", "expiry")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows that nobody writes by hand."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The whole log as CSV: /audit.csv."""

    list_display = ("at", "actor", "action", "target", "address", "details")
    list_filter = ("action", "at")
    search_fields = ("actor", "target", "address", "request_id")
    show_full_result_count = False


@admin.register(SeenAddress)
class SeenAddressAdmin(ReadOnlyAdmin):
    list_display = ("credential", "address", "first_seen_at", "last_seen_at")
    search_fields = ("credential", "address")
