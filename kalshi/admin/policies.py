"""Endpoint settings: one row for each endpoint of the table, changed in the list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.html import format_html

from kalshi.admin.base import RuledAdmin
from kalshi.admin.site import site
from kalshi.models import EndpointPolicy
from kalshi.upstream.endpoints import ENDPOINTS

# The order of the endpoint table, which keeps together what belongs together.
_PLACE = Case(
    *(When(operation=operation, then=Value(place)) for place, operation in enumerate(ENDPOINTS)),
    default=Value(len(ENDPOINTS)),
    output_field=IntegerField(),
)


def _area(path: str) -> str:
    """By which the table is filtered: the first part of Kalshi's path."""
    return path.split("/")[1]


_AREAS = sorted({_area(endpoint.path) for endpoint in ENDPOINTS.values() if endpoint.exposed})


class AreaFilter(admin.SimpleListFilter):
    title = "area"
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(area, area.replace("_", " ")) for area in _AREAS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EndpointPolicy]) -> QuerySet[EndpointPolicy]:
        if self.value() is None:
            return queryset
        chosen = [name for name, endpoint in ENDPOINTS.items() if _area(endpoint.path) == self.value()]
        return queryset.filter(operation__in=chosen)


class ChosenFilter(admin.SimpleListFilter):
    title = "numbers"
    parameter_name = "numbers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("own", "changed here"), ("built-in", "all built-in")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EndpointPolicy]) -> QuerySet[EndpointPolicy]:
        built_in = Q(fresh_s=None, keep_s=None, patience_s=None, enabled=True)
        if self.value() == "own":
            return queryset.exclude(built_in)
        return queryset.filter(built_in) if self.value() == "built-in" else queryset


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Shows the built-in number where none is chosen."""

    class Meta:
        model = EndpointPolicy
        fields = ("fresh_s", "keep_s", "patience_s", "enabled")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        endpoint = ENDPOINTS.get(self.instance.operation)
        for name in ("fresh_s", "keep_s", "patience_s"):
            if endpoint is not None and name in self.fields:
                self.fields[name].widget.attrs["placeholder"] = f"{getattr(endpoint, name):g} (built-in)"


@admin.register(EndpointPolicy, site=site)
class EndpointPolicyAdmin(RuledAdmin):
    """Rows come from the endpoint table and can only be changed."""

    form = PolicyForm
    list_display = ("name", "upstream_path", "fresh_s", "keep_s", "patience_s", "enabled")
    list_editable = ("fresh_s", "keep_s", "patience_s", "enabled")
    list_display_links = ("name",)
    list_filter = (AreaFilter, "enabled", ChosenFilter)
    search_fields = ("operation",)
    search_help_text = "Name, operation or part of the path"
    list_per_page = 100
    fields = ("upstream_path", "built_in", "fresh_s", "keep_s", "patience_s", "enabled", "updated_at")
    readonly_fields = ("upstream_path", "built_in", "updated_at")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return (_PLACE.asc(), "operation")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[EndpointPolicy], search_term: str
    ) -> tuple[QuerySet[EndpointPolicy], bool]:
        """Every word in the name, the operation or the path."""
        words = search_term.lower().split()
        found = [
            operation
            for operation, endpoint in ENDPOINTS.items()
            if all(word in f"{endpoint.name} {operation} {endpoint.path}".lower() for word in words)
        ]
        return (queryset.filter(operation__in=found) if words else queryset), False

    def get_changelist_form(self, request: HttpRequest, **options: Any) -> Any:
        return super().get_changelist_form(request, **(options | {"form": PolicyForm}))

    @display(description="endpoint", ordering=_PLACE)
    def name(self, row: EndpointPolicy) -> str:
        return str(row)

    @display(description="Kalshi path")
    def upstream_path(self, row: EndpointPolicy) -> str:
        endpoint = ENDPOINTS.get(row.operation)
        return (
            format_html('<span class="kg-path">{}</span>', endpoint.path) if endpoint else "(no longer used)"
        )

    @display(description="built-in numbers")
    def built_in(self, row: EndpointPolicy) -> str:
        endpoint = ENDPOINTS.get(row.operation)
        if endpoint is None:
            return "-"
        return f"fresh {endpoint.fresh_s:g} s, keep {endpoint.keep_s:g} s, patience {endpoint.patience_s:g} s"
