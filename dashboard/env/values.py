"""Settings as typed values; one that cannot be read is a sentence: the variable, what was found, what is allowed."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from dashboard.env.readers import Refused, without_password
from dashboard.env.table import SETTINGS, Setting
from kalshi.errors import ConfigError


def parse(found: Mapping[str, str]) -> dict[str, Any]:
    """Every setting of the table by name, as a typed value. Raises ImproperlyConfigured."""
    return {setting.name: value_of(setting, found.get(setting.name)) for setting in SETTINGS}


def value_of(setting: Setting, raw: str | None) -> Any:
    """Of its text; None is an absent one, which has the default. Raises ImproperlyConfigured."""
    if raw is None:
        return setting.default
    value = raw.strip()
    try:
        return setting.read(value)
    except ConfigError as problem:
        raise ImproperlyConfigured(problem.message) from None
    except Refused as problem:
        raise ImproperlyConfigured(f"{setting.name} {problem.found}; allowed: {problem}.") from None
    except ValueError as allowed:
        shown = "a value that is not shown" if setting.secret else repr(without_password(value))
        raise ImproperlyConfigured(f"{setting.name} is {shown}; allowed: {allowed}.") from None
