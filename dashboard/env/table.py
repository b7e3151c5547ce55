"""The settings of the installation as one table; the README's table is checked against it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.env.hosts import origin, served_host
from dashboard.env.readers import (
    choice,
    dotted,
    key_ring,
    listen_address,
    network,
    number,
    path,
    several,
    signing_key,
    switch,
    text,
    whole,
)
from dashboard.env.service_urls import database_url, redis_url
from kalshi.upstream.hosts import checked_base_url, checked_ws_url


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable. `default` is the value when it is absent; None means not set.

    `any_case`: its name in lower case counts too, and goes first, as other programs have it.
    """

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False
    any_case: bool = False


SETTINGS = (
    Setting("PORT", whole(1, 65535), 8000, "port on which the dashboard listens"),
    Setting("HOST", listen_address, "127.0.0.1", "address on which the dashboard listens"),
    Setting("DATA_DIR", path, Path("var"), "SQLite file, generated secrets (mode 600), sandbox keys, logs"),
    Setting("KALSHI_ENV_FILE", path, Path(".env"), "file of settings; the environment goes first"),
    Setting(
        "KALSHI_ENV",
        choice("prod", "demo", "sandbox"),
        None,
        "`prod`, `demo` or `sandbox`; prod with credentials, else sandbox",
    ),
    Setting("KALSHI_API_KEY_ID", text, None, "id of the API key", secret=True),
    Setting("KALSHI_PRIVATE_KEY_PATH", text, None, "path of the private key, a PEM file with mode 600"),
    Setting(
        "KALSHI_PRIVATE_KEY",
        text,
        None,
        "the private key itself: PEM with real newlines, `\\n` escapes, on one line, or base64",
        secret=True,
    ),
    Setting("KALSHI_API_SECRET_FILE", text, None, "alias of `KALSHI_PRIVATE_KEY_PATH`"),
    Setting("KALSHI_ALLOW_OPEN_KEY_FILE", switch, False, "accept a key file that group or others can read"),
    Setting(
        "KALSHI_BASE_URL",
        checked_base_url,
        None,
        "upstream REST address, ending in `/trade-api/v2`, by default that of the environment; http only for loopback",
    ),
    Setting(
        "KALSHI_WS_URL",
        checked_ws_url,
        None,
        "upstream WebSocket address, by default that of the environment; ws only for loopback",
    ),
    Setting(
        "KALSHI_REQUEST_FUNCTION",
        dotted,
        None,
        "dotted path of an existing signed-request function `f(method, path, params)` to use instead of our transport",
    ),
    Setting(
        "KALSHI_KEY_RING",
        key_ring,
        None,
        "seals the keys of further accounts: keys of 44 characters, newest first, separated by commas; generated in "
        "`DATA_DIR` when absent",
        secret=True,
    ),
    Setting("KALSHI_RATE_SHARE", number(0.01, 1), 0.9, "part of the account's read budget that we may use"),
    Setting("KALSHI_MAX_PER_MINUTE", whole(1, 1_000_000), None, "extra cap on upstream requests a minute"),
    Setting("KALSHI_TIMEOUT_S", number(1, 120), 15.0, "deadline of one upstream request in seconds"),
    Setting(
        "KALSHI_STATE_DIR",
        path,
        None,
        "folder of JSON state files of a trading daemon, shown to operators in `status`",
    ),
    Setting(
        "REDIS_URL",
        redis_url,
        None,
        "shared cache; without it everything stays in the process",
        secret=True,
    ),
    Setting(
        "DATABASE_URL",
        database_url,
        None,
        "database; SQLite in `DATA_DIR` when absent",
        secret=True,
    ),
    Setting("WORKERS", whole(1, 64), 1, "server processes; more than one needs `REDIS_URL`"),
    Setting(
        "DJANGO_SECRET_KEY",
        signing_key,
        None,
        "signs sessions, at least 32 characters; generated in `DATA_DIR` when absent",
        secret=True,
    ),
    Setting(
        "DJANGO_ALLOWED_HOSTS",
        several(
            served_host,
            "host names such as dash.example.com, without scheme and port; .example.com for all below",
        ),
        ("127.0.0.1", "localhost", "[::1]"),
        "host names under which the dashboard is reached, separated by commas",
    ),
    Setting(
        "CORS_ALLOWED_ORIGINS",
        several(
            origin, "origins such as https://dash.example.com, with scheme and without path, user name or *"
        ),
        (),
        "origins of other front ends that may read the API, separated by commas",
    ),
    Setting(
        "DJANGO_HTTPS_ONLY",
        switch,
        False,
        "send plain HTTP on to HTTPS, and mark every cookie `Secure`; needs `TRUSTED_PROXIES`",
    ),
    Setting("DJANGO_DEBUG", switch, False, "Django's debug mode"),
    Setting(
        "TRUSTED_PROXIES",
        several(network, "IP addresses or networks such as 10.0.0.5 or 10.0.0.0/8"),
        (),
        "addresses whose `X-Forwarded-*` headers are believed, separated by commas",
    ),
    Setting(
        "HTTPS_PROXY",
        text,
        None,
        "HTTP proxy on the way to Kalshi, such as `http://proxy.example:3128`",
        secret=True,
        any_case=True,
    ),
    Setting("ALL_PROXY", text, None, "the same, when `HTTPS_PROXY` is absent", secret=True, any_case=True),
    Setting(
        "NO_PROXY", text, None, "hosts that are reached without the proxy, separated by commas", any_case=True
    ),
    Setting(
        "REQUESTS_CA_BUNDLE", text, None, "certificates by which Kalshi is known, where a proxy inspects TLS"
    ),
    Setting("CURL_CA_BUNDLE", text, None, "the same, when `REQUESTS_CA_BUNDLE` is absent"),
    Setting("SSL_CERT_FILE", text, None, "the same, when neither of these two is there"),
    Setting("SANDBOX_PORT", whole(1, 65535), 8001, "port on which the simulated exchange listens"),
)
