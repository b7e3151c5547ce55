"""Which Kalshi we talk to: decided once at start-up from the settings, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from kalshi.errors import ConfigError
from kalshi.upstream import credentials
from kalshi.upstream.hosts import REST_BASE, WS_BASE, environment_of

CREDENTIAL_NAMES = credentials.VARIABLES


@dataclass(frozen=True, slots=True)
class Upstream:
    """`own_sandbox`: the simulated exchange of this installation is the upstream, with the keys in its folder."""

    environment: str
    base_url: str
    ws_url: str
    own_sandbox: bool


def choose(found: Mapping[str, str], values: Mapping[str, Any], home: Path) -> Upstream:
    """found: settings as text, values: the same parsed.

    Raises ImproperlyConfigured when a real exchange is named and there is nothing to sign with, or when the address
    belongs to another environment than the one named: people would take demo money for theirs.
    """
    given_url, named = values["KALSHI_BASE_URL"], values["KALSHI_ENV"]
    signed = values["KALSHI_REQUEST_FUNCTION"] is not None or _has_credentials(found, home)
    host_of = environment_of(given_url or "")
    environment = named or host_of or ("prod" if signed else "sandbox")
    if not signed and (environment != "sandbox" or given_url is not None):
        cause = f"KALSHI_ENV is {named!r}" if named not in {None, "sandbox"} else "KALSHI_BASE_URL is set"
        raise ImproperlyConfigured(
            f"{cause}, but no credentials were found; set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH, or unset it "
            "for simulated data."
        )
    if host_of not in {None, environment}:
        raise ImproperlyConfigured(
            f"KALSHI_ENV is {environment!r}, but KALSHI_BASE_URL is an address of {host_of!r}; correct one of them."
        )
    sandbox = f"127.0.0.1:{values['SANDBOX_PORT']}/trade-api"
    return Upstream(
        environment,
        given_url or REST_BASE.get(environment, f"http://{sandbox}/v2"),
        values["KALSHI_WS_URL"] or WS_BASE.get(environment, f"ws://{sandbox}/ws/v2"),
        own_sandbox=not signed,
    )


def _has_credentials(found: Mapping[str, str], home: Path) -> bool:
    try:
        return credentials.is_configured(found, home)
    except ConfigError as problem:
        raise ImproperlyConfigured(problem.message) from None
