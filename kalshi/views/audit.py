"""The audit log for the people who may see it, and who it was that a request changed something for."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kalshi.models import AuditEvent
from kalshi.services import access
from kalshi.services.audit import CALLER
from kalshi.services.audit_export import CHUNK, csv_lines


class RememberCaller:
    """Middleware: lets the audit log know the request, and so who acts and from where. After authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = CALLER.set(request)
        try:
            return self.get_response(request)
        finally:
            CALLER.reset(token)


@require_safe
@never_cache
@login_required
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The whole log as CSV, oldest first, streamed."""
    if not access.may_audit(request.user):
        raise PermissionDenied
    events = AuditEvent.objects.order_by("at", "id").iterator(CHUNK)
    name = f"audit-{timezone.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        csv_lines(events),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
