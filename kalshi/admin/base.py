"""What all model pages share: rights and rows come from `rules`, and nothing can be asked of hidden columns."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import FieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from unfold.admin import ModelAdmin

from kalshi.admin import rules

MAX_SEARCHED = 500
"""Characters of what is searched for."""


class Ruled:
    """Mixin for model pages: rights of a person for a table and for each of its rows."""

    model: Any

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        chosen = rules.rows(self.model, "seen", request.user)
        every: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return every.none() if chosen is None else every.filter(chosen)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rules.allows(self.model, "seen", request.user, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return rules.allows(self.model, "added", request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rules.allows(self.model, "changed", request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return rules.allows(self.model, "removed", request.user, obj)


class RuledAdmin(Ruled, ModelAdmin):
    """A page of rows."""

    list_per_page = 50
    list_filter_sheet = True
    list_fullwidth = True
    compressed_fields = True
    actions: Any = None

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """What the page's own filters ask, and nothing else. Any other lookup could spell out a column that is never
        shown, or be one that never ends: on SQLite `regex` runs in Python, and holds up the whole process.
        """
        return lookup in self.offered_lookups(request)

    def offered_lookups(self, request: HttpRequest) -> set[str]:
        """The parameters with which the filters of the page ask."""
        day = self.date_hierarchy
        offered = {f"{day}__{part}" for part in ("year", "month", "day")} if day else set()
        for one in self.get_list_filter(request):
            if isinstance(one, str):
                field = get_fields_from_path(self.model, one)[-1]
                made = FieldListFilter.create(field, request, {}, self.model, self, field_path=one)
                offered.update(name for name in made.expected_parameters() if name)
            else:
                offered.add(one.parameter_name)
        return offered

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Values that no column can hold are the fault of who asks, like those that Django itself refuses."""
        try:
            return super().get_changelist_instance(request)
        except (ValueError, OverflowError, DataError) as problem:  # the first for the year 9999
            raise IncorrectLookupParameters(problem) from problem

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Nothing has so long a name; SQLite fails on a pattern of 50,000 characters, or a condition of 1,000 words."""
        if len(search_term) > MAX_SEARCHED:
            return queryset.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Without buttons that open the page of another table in a window."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        widget = getattr(field, "widget", None)
        if isinstance(widget, RelatedFieldWidgetWrapper):
            field.widget = widget.widget
        return field

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        """What goes with a row that one may remove goes with it: its grants and keys need no right of their own."""
        listed, counted, _, protected = super().get_deleted_objects(objs, request)
        return listed, counted, set(), protected

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """One way to save something new: the next page shows what came of it."""
        one_way = {"show_save_and_add_another": False} | (
            {} if object_id else {"show_save_and_continue": False}
        )
        return super().changeform_view(request, object_id, form_url, one_way | (extra_context or {}))

    def row_to_change(self, request: HttpRequest, object_id: str) -> Any:
        """The row of a page of our own. 404 for one that the person may not see, 403 for one to be looked at only."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row
