"""The audit log for the people who may see it, and who it was that a request changed something for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kalshi.errors import KalshiError
from kalshi.models import AuditEvent
from kalshi.services import access, audit_reading, handover
from kalshi.services.audit import CALLER
from kalshi.services.audit_export import CHUNK, csv_lines
from kalshi.services.costly import Held, work
from kalshi.views import errors


class RememberCaller:
    """Middleware, after authentication: lets the audit log know the request, and so who acts and from where; and the
    server, whose connection it is.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = CALLER.set(request)
        try:
            return self.get_response(request)
        finally:
            CALLER.reset(token)
            self._tell_server(request)

    def _tell_server(self, request: HttpRequest) -> None:
        """Only where the view looked: it answers well when the database, which would be asked here, is away."""
        user = getattr(request, "_cached_user", None)
        told = handover.caller(request.META.get("asgi.scope", {})) is not None
        if user is not None and user.is_authenticated and not told:
            handover.tell_caller(request.META, access.caller_name(user, None))


class _Costly(StreamingHttpResponse):
    """Has its seat until it is closed."""

    def __init__(self, lines: Iterator[str], held: Held, **options: Any) -> None:
        super().__init__(lines, **options)
        self._held = held

    def close(self) -> None:
        super().close()
        self._held.end()


@require_safe
@never_cache
@login_required
def export(request: HttpRequest) -> HttpResponseBase:
    """What the caller may read of the log as CSV, oldest first; `?account=`, `?action=`, `?since=` and `?until=` narrow
    it down, the last two as in `manage.py audit`.

    400 when a moment cannot be read, 429 when the caller has too many under way.
    """
    if access.audit_events(request.user) is None:
        raise PermissionDenied
    name = f"audit-{timezone.now():%Y-%m-%d}.csv"
    try:
        events = _chosen(request)
        held = work.hold(access.caller_name(request.user, None))
    except KalshiError as problem:
        return errors.handle(problem, {})
    return _Costly(
        csv_lines(events.order_by("at", "id").iterator(CHUNK)),
        held,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _chosen(request: HttpRequest) -> QuerySet[AuditEvent]:
    """Raises BadRequest."""
    asked = request.GET
    events = audit_reading.readable(request.user)
    if asked.get("account"):
        events = audit_reading.about(events, asked["account"])
    if asked.get("action"):
        events = events.filter(action=asked["action"])
    since, until = (
        audit_reading.moment(name, asked[name]) if asked.get(name) else None for name in ("since", "until")
    )
    return audit_reading.within(events, since, until)
