"""The settings of the installation: `load` finds their texts, `parse` makes values of them.

Both raise ImproperlyConfigured with one sentence that never repeats the value of a secret one.
"""

from dashboard.env.secret_texts import secrets
from dashboard.env.source import load
from dashboard.env.table import SETTINGS, Setting
from dashboard.env.values import parse

__all__ = ["SETTINGS", "Setting", "load", "parse", "secrets"]
