"""The admin: who may enter, what each person sees there, and its pages. Needs `unfold` in INSTALLED_APPS.

Mount `site` under a path of its own; Django's own `admin.site` stays as it is.
"""

from django.apps import apps

if apps.is_installed("unfold"):
    from kalshi.admin import accounts, audit, keys, people, policies, tokens  # noqa: F401
    from kalshi.admin.site import site

    __all__ = ["site"]
