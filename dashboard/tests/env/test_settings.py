from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from dashboard import env
from dashboard.env import readers

DEFAULTS = {
    "PORT": 8000,
    "HOST": "127.0.0.1",
    "DATA_DIR": Path("var"),
    "KALSHI_ENV_FILE": Path(".env"),
    "KALSHI_ENV": None,
    "KALSHI_API_KEY_ID": None,
    "KALSHI_PRIVATE_KEY_PATH": None,
    "KALSHI_PRIVATE_KEY": None,
    "KALSHI_API_SECRET_FILE": None,
    "KALSHI_ALLOW_OPEN_KEY_FILE": False,
    "KALSHI_BASE_URL": None,
    "KALSHI_WS_URL": None,
    "KALSHI_REQUEST_FUNCTION": None,
    "KALSHI_KEY_RING": None,
    "KALSHI_RATE_SHARE": 0.9,
    "KALSHI_MAX_PER_MINUTE": None,
    "KALSHI_TIMEOUT_S": 15.0,
    "KALSHI_STATE_DIR": None,
    "REDIS_URL": None,
    "DATABASE_URL": None,
    "WORKERS": 1,
    "DJANGO_SECRET_KEY": None,
    "DJANGO_ALLOWED_HOSTS": ("127.0.0.1", "localhost", "[::1]"),
    "CORS_ALLOWED_ORIGINS": (),
    "DJANGO_HTTPS_ONLY": False,
    "DJANGO_DEBUG": False,
    "TRUSTED_PROXIES": (),
    "HTTPS_PROXY": None,
    "ALL_PROXY": None,
    "NO_PROXY": None,
    "REQUESTS_CA_BUNDLE": None,
    "CURL_CA_BUNDLE": None,
    "SSL_CERT_FILE": None,
    "SANDBOX_PORT": 8001,
}

GOOD: list[tuple[str, str, Any]] = [
    ("PORT", "1", 1),
    ("PORT", " 65535 ", 65535),
    ("HOST", "0.0.0.0", "0.0.0.0"),
    ("HOST", "::1", "::1"),
    ("HOST", "dash.local", "dash.local"),
    ("DATA_DIR", "/srv/kalshi data", Path("/srv/kalshi data")),
    ("KALSHI_ENV_FILE", "prod.env", Path("prod.env")),
    ("KALSHI_ENV", "PROD", "prod"),
    ("KALSHI_ENV", "demo", "demo"),
    ("KALSHI_ENV", "sandbox", "sandbox"),
    ("KALSHI_API_KEY_ID", "some-id", "some-id"),
    ("KALSHI_PRIVATE_KEY_PATH", "~/key.pem", "~/key.pem"),
    ("KALSHI_PRIVATE_KEY", "anything", "anything"),
    ("KALSHI_API_SECRET_FILE", "key.pem", "key.pem"),
    ("KALSHI_ALLOW_OPEN_KEY_FILE", "Yes", True),
    ("KALSHI_ALLOW_OPEN_KEY_FILE", "off", False),
    (
        "KALSHI_BASE_URL",
        "https://demo-api.kalshi.co/trade-api/v2/",
        "https://demo-api.kalshi.co/trade-api/v2",
    ),
    ("KALSHI_BASE_URL", "http://127.0.0.1:9000/trade-api/v2", "http://127.0.0.1:9000/trade-api/v2"),
    ("KALSHI_BASE_URL", "http://[::1]:9000/trade-api/v2", "http://[::1]:9000/trade-api/v2"),
    ("KALSHI_WS_URL", "wss://ws.example/trade-api/ws/v2", "wss://ws.example/trade-api/ws/v2"),
    ("KALSHI_WS_URL", "ws://localhost:9000/trade-api/ws/v2", "ws://localhost:9000/trade-api/ws/v2"),
    ("KALSHI_REQUEST_FUNCTION", "daemon.client.signed_request", "daemon.client.signed_request"),
    ("KALSHI_KEY_RING", f"{'A' * 43}=, {'B' * 42}A=", f"{'A' * 43}=, {'B' * 42}A="),
    ("KALSHI_RATE_SHARE", "1", 1.0),
    ("KALSHI_RATE_SHARE", ".5", 0.5),
    ("KALSHI_MAX_PER_MINUTE", "100", 100),
    ("KALSHI_TIMEOUT_S", "2.5", 2.5),
    ("KALSHI_STATE_DIR", "/srv/bot/state", Path("/srv/bot/state")),
    ("REDIS_URL", "redis://:pw@127.0.0.1:6379/0", "redis://:pw@127.0.0.1:6379/0"),
    ("REDIS_URL", "unix:///run/redis.sock", "unix:///run/redis.sock"),
    ("DATABASE_URL", "postgres://u:p@h/kalshi", "postgres://u:p@h/kalshi"),
    ("DATABASE_URL", "sqlite:////srv/db.sqlite3", "sqlite:////srv/db.sqlite3"),
    ("WORKERS", "64", 64),
    ("DJANGO_SECRET_KEY", "x" * 50, "x" * 50),
    (
        "DJANGO_ALLOWED_HOSTS",
        "dash.example.com, .example.org ,[::1],*",
        ("dash.example.com", ".example.org", "[::1]", "*"),
    ),
    (
        "CORS_ALLOWED_ORIGINS",
        "https://a.example,http://localhost:5173",
        ("https://a.example", "http://localhost:5173"),
    ),
    ("DJANGO_HTTPS_ONLY", "1", True),
    ("DJANGO_DEBUG", "1", True),
    ("TRUSTED_PROXIES", "10.0.0.5,10.1.0.0/16,::1", ("10.0.0.5", "10.1.0.0/16", "::1")),
    ("HTTPS_PROXY", "http://u:p@proxy.example:3128", "http://u:p@proxy.example:3128"),
    ("ALL_PROXY", "proxy.example:3128", "proxy.example:3128"),
    ("NO_PROXY", "localhost,.example.com", "localhost,.example.com"),
    ("REQUESTS_CA_BUNDLE", "/etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
    ("CURL_CA_BUNDLE", "/etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
    ("SSL_CERT_FILE", "/etc/ssl/ca.pem", "/etc/ssl/ca.pem"),
    ("SANDBOX_PORT", "18001", 18001),
]

BAD = [
    *[("PORT", value) for value in ("0", "65536", "-1", "80.0", "8_000", "eight", "٨٠", "9" * 400)],
    *[("SANDBOX_PORT", value) for value in ("0", "http", "99999999")],
    *[("HOST", value) for value in ("a b", "a..b", "http://x", "x" * 64 + ".example", "ü.example")],
    *[("DATA_DIR", value) for value in ("a\0b",)],
    *[("KALSHI_ENV_FILE", value) for value in ("a\0b",)],
    *[("KALSHI_STATE_DIR", value) for value in ("a\0b",)],
    *[("KALSHI_KEY_RING", value) for value in ("hunter2secret", f"{'A' * 43}=,{'A' * 43}=", ",")],
    *[("KALSHI_ENV", value) for value in ("production", "live", "prod demo")],
    *[("KALSHI_ALLOW_OPEN_KEY_FILE", value) for value in ("2", "ja", "truee")],
    *[("DJANGO_HTTPS_ONLY", value) for value in ("always",)],
    *[("DJANGO_DEBUG", value) for value in ("debug",)],
    *[
        ("KALSHI_BASE_URL", value)
        for value in (
            "external-api.kalshi.com/trade-api/v2",
            "http://external-api.kalshi.com/trade-api/v2",
            "http://127.0.0.1.evil.example/trade-api/v2",
            "https://u:hunter2secret@host/trade-api/v2",
            "https://host:port/v2",
            "https://host/v2?x=1",
            "https://[::1/v2",
            "ftp://127.0.0.1/",
            "https://",
        )
    ],
    *[("KALSHI_WS_URL", value) for value in ("https://host/ws", "ws://host.example/ws", "wss://")],
    *[
        ("DJANGO_SECRET_KEY", value)
        for value in ("hunter2secret", "hunter2secret" + "x" * 18, "django-insecure-hunter2secret" + "x" * 50)
    ],
    *[("KALSHI_REQUEST_FUNCTION", value) for value in ("function", "a.b()", "a..b", "a/b.c", ".a.b")],
    *[("KALSHI_RATE_SHARE", value) for value in ("0", "1.01", "90%", "nan", "inf", "1e-1", "-0.5", ".")],
    *[("KALSHI_MAX_PER_MINUTE", value) for value in ("0", "none", "1000001")],
    *[("KALSHI_TIMEOUT_S", value) for value in ("0", "121", "15s", "infinity")],
    *[
        ("REDIS_URL", value)
        for value in ("127.0.0.1:6379", "http://h", "redis:h", "redis://:hunter2secret@h:x")
    ],
    *[
        ("DATABASE_URL", value)
        for value in (
            "mysql://u:hunter2secret@h/db",
            "postgres://u:hunter2secret@h",
            "sqlite://",
            "db.sqlite3",
        )
    ],
    *[("WORKERS", value) for value in ("0", "65", "auto")],
    *[
        ("DJANGO_ALLOWED_HOSTS", value)
        for value in (
            "https://u:hunter2secret@x.example",
            "x.example:8000",
            ",",
            "a b",
            "[x]",
            "*.example.com",
        )
    ],
    *[
        ("CORS_ALLOWED_ORIGINS", value)
        for value in (
            "*",
            "dash.example",
            "https://u:hunter2secret@a",
            "https://a/",
            "https://a/x",
            "null",
            "https://a:b",
            "https://[::1",
        )
    ],
    *[("TRUSTED_PROXIES", value) for value in ("nginx", "10.0.0.1/8", "10.0.0.300")],
]


def test_every_setting_has_the_promised_default() -> None:
    assert env.parse({}) == DEFAULTS


@pytest.mark.parametrize(("name", "value", "expected"), GOOD)
def test_a_good_value_is_read(name: str, value: str, expected: Any) -> None:
    assert env.parse({name: value})[name] == expected


def test_every_setting_has_a_good_example_and_every_strict_one_a_bad_example() -> None:
    names = {setting.name for setting in env.SETTINGS}
    free_text = {setting.name for setting in env.SETTINGS if setting.read is readers.text}
    assert {name for name, _, _ in GOOD} == names
    assert {name for name, _ in BAD} == names - free_text


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_one_sentence_that_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        env.parse({name: value})
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} ")
    assert "allowed" in sentence or "must be" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 320


@pytest.mark.parametrize(("name", "value"), [row for row in BAD if "secret" in row[1]])
def test_a_password_is_never_repeated(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        env.parse({name: value})
    assert "hunter2secret" not in str(caught.value)


@pytest.mark.parametrize(
    "setting", [s for s in env.SETTINGS if s.read is not readers.text], ids=lambda s: s.name
)
@given(value=st.text(min_size=1).filter(str.strip))
def test_any_text_is_a_value_or_a_sentence(setting: env.Setting, value: str) -> None:
    try:
        env.parse({setting.name: value})
    except ImproperlyConfigured as problem:
        assert str(problem).startswith(setting.name)
        assert "\n" not in str(problem)


def test_a_leading_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert env.parse({"DATA_DIR": "~/kalshi"})["DATA_DIR"] == Path("/home/ada/kalshi")


def test_the_secrets_are_the_secret_values_and_the_passwords_within_addresses() -> None:
    found = {
        "PORT": "9000",
        "KALSHI_API_KEY_ID": " my-key-id ",
        "REDIS_URL": "redis://:p%40ssword@h",
        "DATABASE_URL": "postgres://u:dbpass@h/x",
        "HTTPS_PROXY": "http://u:proxypass@p:1",
        "ALL_PROXY": "u:otherpass@p:1",
    }
    secrets = env.secrets(found)
    assert {"proxypass", "otherpass"} <= set(secrets)
    assert {"my-key-id", "p%40ssword", "p@ssword", "dbpass", *list(found.values())[2:]} <= set(secrets)
    assert "9000" not in secrets
