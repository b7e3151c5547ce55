"""The cache browser: what is kept, and taking it out after a question."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from kalshi.admin.site import site
from kalshi.services import access, cache_browser
from kalshi.services.cache_browser import MAX_ROWS, Filters

OUTCOMES = ("hit", "stale", "miss", "refreshed", "collapsed")
"""Kinds of answers with a column of their own; what is left is one more."""
STATES = ("fresh", "old")


@require_safe
def browse(request: HttpRequest) -> HttpResponse:
    filters = _filters(request.GET)
    found = cache_browser.browse(request.user, filters)
    counts = cache_browser.outcomes() if access.is_operator(request.user) else None
    context = site.each_context(request) | {
        "title": "Cache",
        "found": found,
        "more": found.matching - len(found.rows),
        "max_rows": MAX_ROWS,
        "filters": filters,
        "filtered": filters != Filters(),
        "states": STATES,
        "shared": cache_browser.shared(),
        "outcomes": None if counts is None else _table(counts),
        "may_purge": any(row.may_purge for row in found.rows),
    }
    return TemplateResponse(request, "kalshi/admin/cache.html", context)


@require_POST
def purge(request: HttpRequest) -> HttpResponse:
    """Asks first; with `confirmed` it does it. What the person may not take out stays."""
    keys = request.POST.getlist("key")
    by_filters = "matching" in request.POST
    filters = _filters(request.POST) if by_filters else None
    if not keys and filters is None:
        messages.warning(request, "Choose entries first.")
        return redirect(reverse("admin:kalshi_cache"))
    rows = cache_browser.purgeable(request.user, keys=keys, filters=filters)
    if "confirmed" in request.POST:
        count = cache_browser.purge(rows)
        messages.success(request, f"Taken out: {count}. The next question for each asks Kalshi.")
        return redirect(reverse("admin:kalshi_cache"))
    context = site.each_context(request) | {
        "title": "Purge",
        "rows": rows[:MAX_ROWS],
        "count": len(rows),
        "more": max(0, len(rows) - MAX_ROWS),
        "keys": [row.key for row in rows] if not by_filters else [],
        "filters": filters,
    }
    return TemplateResponse(request, "kalshi/admin/cache_purge.html", context)


def _filters(given: QueryDict) -> Filters:
    return Filters(**{name: given.get(name, "").strip()[:200] for name in asdict(Filters())})


def _table(counts: list[tuple[str, dict[str, int]]]) -> dict[str, Any]:
    """Rows of (operation, answers, one number for each of OUTCOMES, all others by name)."""
    rows = []
    for operation, found in counts:
        others = {name: number for name, number in sorted(found.items()) if name not in OUTCOMES}
        numbers = [found.get(name, 0) for name in OUTCOMES]
        rows.append((operation, sum(found.values()), numbers, others))
    return {"names": OUTCOMES, "rows": rows}
