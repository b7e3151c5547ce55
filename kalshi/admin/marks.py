"""Small pieces of HTML for lists: badges and states. Their colours stand in admin.css."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kalshi import conf
from kalshi.models import Account


def badge(text: str, kind: str) -> SafeString:
    """kind: prod, demo, sandbox, good, warn, bad or quiet."""
    return format_html('<span class="kg-badge kg-{}">{}</span>', kind, text)


def environment_of(account: Account) -> str:
    """The default account's is that of the settings."""
    return conf.setup().environment if account.from_environment else account.environment


def environment(account: Account) -> SafeString:
    name = environment_of(account)
    return badge(name.upper() or "NONE", name if name in {"prod", "demo", "sandbox"} else "quiet")


def switched(on: bool) -> SafeString:
    return badge("on", "good") if on else badge("off", "quiet")


def moment(at: datetime | None) -> SafeString | str:
    """To the minute, on one line; the second stands in the hint."""
    if at is None:
        return "-"
    local = timezone.localtime(at)
    return format_html(
        '<time class="kg-moment" title="{}">{}</time>', f"{local:%c %Z}", f"{local:%Y-%m-%d %H:%M}"
    )
