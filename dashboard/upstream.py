"""Which Kalshi we talk to: decided once at start-up from the settings, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

HOSTS = {
    "prod": (
        "https://external-api.kalshi.com/trade-api/v2",
        "wss://external-api-ws.kalshi.com/trade-api/ws/v2",
    ),
    "demo": (
        "https://external-api.demo.kalshi.co/trade-api/v2",
        "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
    ),
}
CREDENTIAL_NAMES = (
    "KALSHI_API_KEY_ID",
    "KALSHI_PRIVATE_KEY_PATH",
    "KALSHI_PRIVATE_KEY",
    "KALSHI_API_SECRET_FILE",
)
CREDENTIAL_FILES = ("kalshi.json", "kalshi_private.pem")


@dataclass(frozen=True, slots=True)
class Upstream:
    """`own_sandbox`: the simulated exchange of this installation is the upstream, with the keys in its folder."""

    environment: str
    base_url: str
    ws_url: str
    own_sandbox: bool


def has_credentials(found: Mapping[str, str], home: Path) -> bool:
    """True when anything that looks like a credential is configured, usable or not."""
    return any(name in found for name in CREDENTIAL_NAMES) or any(
        (home / ".secrets" / name).exists() for name in CREDENTIAL_FILES
    )


def choose(found: Mapping[str, str], values: Mapping[str, Any], home: Path) -> Upstream:
    """Raises ImproperlyConfigured for `prod` or `demo` without anything to sign with."""
    signed = has_credentials(found, home) or values["KALSHI_REQUEST_FUNCTION"] is not None
    environment = values["KALSHI_ENV"] or ("prod" if signed else "sandbox")
    if environment != "sandbox" and not signed:
        raise ImproperlyConfigured(
            f"KALSHI_ENV is {environment!r}, but no credentials were found; set KALSHI_API_KEY_ID and "
            "KALSHI_PRIVATE_KEY_PATH, or unset KALSHI_ENV for simulated data."
        )
    port = values["SANDBOX_PORT"]
    sandbox = (f"http://127.0.0.1:{port}/trade-api/v2", f"ws://127.0.0.1:{port}/trade-api/ws/v2")
    base_url, ws_url = HOSTS.get(environment, sandbox)
    own = environment == "sandbox" and not signed and values["KALSHI_BASE_URL"] is None
    if not own and not signed:
        raise ImproperlyConfigured(
            "KALSHI_BASE_URL is set, but no credentials were found; set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH too."
        )
    return Upstream(
        environment, values["KALSHI_BASE_URL"] or base_url, values["KALSHI_WS_URL"] or ws_url, own
    )
