"""The admin's site: who may enter, its look, its navigation and the pages that are no table."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import path, reverse
from unfold.sites import UnfoldAdminSite

from kalshi import conf
from kalshi.services import access

MAX_FOUND = 50
"""Results of the search over all tables."""
_BADGES = {"prod": ["PROD", "danger"], "demo": ["DEMO", "info"]}


class Site(UnfoldAdminSite):
    """`is_staff` and Django's permissions mean nothing here: `services.access` decides."""

    index_template = "kalshi/admin/index.html"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return access.may_administer(request.user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """One sign-in page for everything. Whoever is signed in and may not enter is told so, not sent around."""
        if request.user.is_authenticated and not self.has_permission(request):
            return TemplateResponse(request, "kalshi/admin/refused.html", status=403)
        query = request.GET.urlencode()
        return redirect(reverse(settings.LOGIN_URL) + (f"?{query}" if query else ""))

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Also empties the browser's cache of what this person saw."""
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        logout(request)
        answer = redirect(settings.LOGIN_URL)
        answer["Clear-Site-Data"] = '"cache"'
        return answer

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """One page for one's own password."""
        return redirect("you-password")

    def get_urls(self) -> list[Any]:
        from kalshi.admin import cache_pages, engine_pages

        own = [
            path("engine/", self.admin_view(engine_pages.page), name="kalshi_engine"),
            path("engine/state.json", self.admin_view(engine_pages.state), name="kalshi_engine_state"),
            path("cache/", self.admin_view(cache_pages.browse), name="kalshi_cache"),
            path("cache/purge/", self.admin_view(cache_pages.purge), name="kalshi_cache_purge"),
        ]
        if apps.is_installed("axes"):
            from kalshi.admin import locked_pages

            own.append(path("locked/", self.admin_view(locked_pages.page), name="kalshi_locked"))
        return [*own, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        from kalshi.admin.overview import overview

        answer: HttpResponseBase = super().index(request, overview(request) | (extra_context or {}))
        return answer

    def search(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Pages and rows by a word, asked anew each time: kept results would outlive a right that was taken."""
        word = request.GET.get("s", "").strip().lower()
        if not word:
            return HttpResponse()
        tables = self.get_app_list(request)
        found = self._search_apps([group | {"models": [*group["models"]]} for group in tables], word)
        found += self._search_rows(request, tables, word)
        context = {
            "page_obj": Paginator(found, MAX_FOUND),
            "results": Paginator(found, MAX_FOUND).page(1),
            "page_counter": 0,
            "execution_time": 0.0,
            "command_show_history": False,
        }
        return TemplateResponse(
            request, "unfold/helpers/search_results.html", context, headers={"HX-Trigger": "search"}
        )

    def _search_rows(self, request: HttpRequest, tables: list[dict[str, Any]], word: str) -> list[Any]:
        from unfold.dataclasses import SearchResult

        found: list[Any] = []
        for model in (model for group in tables for model in group["models"]):
            page = self._registry[model["model"]]
            if not page.get_search_fields(request):
                continue
            rows, _ = page.get_search_results(request, page.get_queryset(request), word)
            meta = page.model._meta
            for row in rows[: MAX_FOUND - len(found)]:
                link = reverse(
                    f"admin:{meta.app_label}_{meta.model_name}_change", args=(row.pk,), current_app=self.name
                )
                found.append(
                    SearchResult(
                        title=str(row),
                        description=str(meta.verbose_name).capitalize(),
                        link=link,
                        icon="arrow_forward",
                    )
                )
        return found

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
        """The product's look. Colours stand in a file, because the page may hold no style of its own."""
        environment = conf.setup().environment
        return context | {
            "site_title": "Kalshi gateway",
            "site_header": "Kalshi gateway",
            "site_url": "/",
            "site_icon": static("kalshi/icon.svg"),
            "site_favicons": [{"rel": "icon", "type": "image/svg+xml", "href": static("kalshi/icon.svg")}],
            "colors": {},
            "environment": _BADGES.get(environment, [environment.upper(), "primary"]),
            "show_history": True,
            "styles": [static("kalshi/admin/admin.css")],
            "scripts": [static("kalshi/admin/htmx.js")],
            "account_links": [{"title": "Password and second factor", "link": reverse("you")}],
            "sidebar_command_search": False,  # its dialog asks for is_staff
            "sidebar_show_search": True,
        }

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        groups = (
            (
                "",
                (
                    ("Overview", "space_dashboard", "index"),
                    ("Engine", "speed", "kalshi_engine"),
                    ("Cache", "database", "kalshi_cache"),
                ),
            ),
            (
                "Access",
                (
                    ("Accounts", "account_balance", "kalshi_account_changelist"),
                    ("Virtual keys", "key", "kalshi_virtualkey_changelist"),
                    ("Tokens", "confirmation_number", "kalshi_apitoken_changelist"),
                    ("People", "group", "auth_user_changelist"),
                    ("Locked sign-ins", "lock_clock", "kalshi_locked"),
                ),
            ),
            (
                "Gateway",
                (
                    ("Endpoints", "tune", "kalshi_endpointpolicy_changelist"),
                    ("Audit log", "history", "kalshi_auditevent_changelist"),
                    ("Addresses", "travel_explore", "kalshi_seenaddress_changelist"),
                ),
            ),
        )
        seen = {
            f"{model['model']._meta.label_lower.replace('.', '_')}_changelist"
            for group in self.get_app_list(request)
            for model in group["models"]
        } | {"index", "kalshi_engine", "kalshi_cache"}
        if "auth_user_changelist" in seen and apps.is_installed("axes"):
            seen.add("kalshi_locked")
        return [
            {"title": title, "items": [self._item(request, *one) for one in items if one[2] in seen]}
            for title, items in groups
        ]

    def _item(self, request: HttpRequest, title: str, icon: str, name: str) -> dict[str, Any]:
        link = reverse(f"admin:{name}", current_app=self.name)
        active = request.path == link if name == "index" else request.path.startswith(link)
        return {"title": title, "icon": icon, "link": link, "active": active, "has_permission": True}


site = Site(name="admin")
