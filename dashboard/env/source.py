"""Where the text of a setting comes from: the process environment, else the file `KALSHI_ENV_FILE`.

That is by default `.env` beside manage.py. A variable that is set to nothing in the environment counts as absent, and
hides the file's.
"""

from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import parse_stream

from dashboard.env.table import SETTINGS, Setting
from dashboard.env.values import value_of

# What people write beside the right name, and in its place.
WITHOUT_EFFECT = {
    "HTTP_PROXY": ("HTTPS_PROXY", "ALL_PROXY"),
    "SSL_CERT_DIR": ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"),
}


def load(environ: Mapping[str, str], base: Path) -> dict[str, str]:
    """The environment laid over the settings file, as text. Only names of the table are taken."""
    named = environ.get("KALSHI_ENV_FILE", "").strip() or None
    file = value_of(next(setting for setting in SETTINGS if setting.name == "KALSHI_ENV_FILE"), named)
    stored = _stored(base / file, named=named is not None)
    found = {}
    for setting in SETTINGS:
        value = _text(setting, environ)
        value = (_text(setting, stored) or "") if value is None else value
        if value.strip():
            found[setting.name] = value
    for name, instead in WITHOUT_EFFECT.items():
        if _text(Setting(name, str, None, "", any_case=True), stored) and not found.keys() & instead:
            raise ImproperlyConfigured(
                f"The settings file {base / file} has {name}, which has no effect: Kalshi is asked by HTTPS; set "
                f"{' or '.join(instead)}."
            )
    return found


def _text(setting: Setting, source: Mapping[str, str | None]) -> str | None:
    """None when the name is not there."""
    names = (setting.name.lower(), setting.name) if setting.any_case else (setting.name,)
    return next((source[name] or "" for name in names if name in source), None)


def _stored(file: Path, *, named: bool) -> dict[str, str | None]:
    """The settings file's values by name. A missing default file is no error, a missing named one is."""
    try:
        with file.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (FileNotFoundError, NotADirectoryError):
        if not named:
            return {}
        raise ImproperlyConfigured(f"KALSHI_ENV_FILE is {str(file)!r}, but there is no such file.") from None
    except OSError as problem:
        raise ImproperlyConfigured(
            f"The settings file {file} cannot be read ({problem.strerror}); name another in KALSHI_ENV_FILE."
        ) from None
    except UnicodeDecodeError:
        raise ImproperlyConfigured(
            f"The settings file {file} is no UTF-8 text; save it as UTF-8, or name another in KALSHI_ENV_FILE."
        ) from None
    for binding in bindings:
        if binding.error:
            raise ImproperlyConfigured(
                f"Line {binding.original.line} of the settings file {file} is not NAME=value; "
                "put a value of several lines into double quotes."
            )
    return {binding.key: binding.value for binding in bindings if binding.key}
