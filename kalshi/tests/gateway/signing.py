"""A client of Kalshi that has a virtual key."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import requests
from django.core.management import call_command

from kalshi.tests.servers import Gateway
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.pem import parse_private_key
from kalshi.upstream.signing import signature_headers

ROOT = "/trade-api/v2"
KEY, TIMESTAMP, SIGNATURE = "KALSHI-ACCESS-KEY", "KALSHI-ACCESS-TIMESTAMP", "KALSHI-ACCESS-SIGNATURE"


@dataclass
class Signer:
    """A virtual key's owner."""

    credentials: Credentials

    @property
    def key_id(self) -> str:
        return self.credentials.key_id

    def headers(self, path: str, method: str = "GET", *, skew_s: float = 0) -> dict[str, str]:
        ts_ms = int((time.time() + skew_s) * 1000)
        return signature_headers(self.credentials, method, path, ts_ms)

    def meta(self, path: str, method: str = "GET", *, skew_s: float = 0) -> dict[str, Any]:
        """The same for Django's test client."""
        headers = self.headers(path, method, skew_s=skew_s)
        return {"HTTP_" + name.replace("-", "_"): value for name, value in headers.items()}


def from_json(printed: str) -> Signer:
    """The owner of the key that `keys create --json` printed."""
    made = json.loads(printed)
    return Signer(Credentials(made["key_id"], parse_private_key(made["private_key"], source="test")))


def create(*arguments: str, user: str = "ada") -> Signer:
    """A new key, made by the command in this process."""
    out = StringIO()
    call_command("keys", "create", "--user", user, "--label", "bot", "--json", *arguments, stdout=out)
    return from_json(out.getvalue())


def create_at(gateway: Gateway, *arguments: str, user: str = "owner") -> Signer:
    """A new key of a running installation."""
    printed = gateway.manage("keys", "create", "--user", user, "--label", "bot", "--json", *arguments)
    return from_json(printed)


def get(gateway: Gateway, signer: Signer, path: str, **headers: str) -> requests.Response:
    """A signed GET of the path, which begins at the host's root, on a connection of its own."""
    url = f"{gateway.base_url}{path}"
    return requests.get(url, headers=signer.headers(urlsplit(path).path) | headers, timeout=20)
