from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import env, upstream

PROD = ("https://external-api.kalshi.com/trade-api/v2", "wss://external-api-ws.kalshi.com/trade-api/ws/v2")
DEMO = (
    "https://external-api.demo.kalshi.co/trade-api/v2",
    "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
)
SANDBOX = ("http://127.0.0.1:8001/trade-api/v2", "ws://127.0.0.1:8001/trade-api/ws/v2")
KEY = {"KALSHI_API_KEY_ID": "an-id"}
FUNCTION = {"KALSHI_REQUEST_FUNCTION": "daemon.request"}
LOCAL = {"KALSHI_BASE_URL": "http://127.0.0.1:9000/trade-api/v2"}


def choose(found: dict[str, str], home: Path) -> upstream.Upstream:
    return upstream.choose(found, env.parse(found), home)


@pytest.mark.parametrize(
    ("found", "environment", "addresses", "own_sandbox"),
    [
        ({}, "sandbox", SANDBOX, True),
        ({"KALSHI_ENV": "sandbox"}, "sandbox", SANDBOX, True),
        (
            {"SANDBOX_PORT": "9"},
            "sandbox",
            ("http://127.0.0.1:9/trade-api/v2", "ws://127.0.0.1:9/trade-api/ws/v2"),
            True,
        ),
        (KEY, "prod", PROD, False),
        (FUNCTION, "prod", PROD, False),
        (KEY | {"KALSHI_ENV": "prod"}, "prod", PROD, False),
        (KEY | {"KALSHI_ENV": "demo"}, "demo", DEMO, False),
        (KEY | {"KALSHI_ENV": "sandbox"}, "sandbox", SANDBOX, False),
        (KEY | LOCAL | {"KALSHI_ENV": "demo"}, "demo", (LOCAL["KALSHI_BASE_URL"], DEMO[1]), False),
        (
            KEY | {"KALSHI_BASE_URL": "https://demo-api.kalshi.co/trade-api/v2"},
            "demo",
            ("https://demo-api.kalshi.co/trade-api/v2", DEMO[1]),
            False,
        ),
        (
            KEY | {"KALSHI_WS_URL": "wss://other.example/trade-api/ws/v2"},
            "prod",
            (PROD[0], "wss://other.example/trade-api/ws/v2"),
            False,
        ),
    ],
)
def test_the_settings_choose_the_exchange(
    tmp_path: Path, found: dict[str, str], environment: str, addresses: tuple[str, str], own_sandbox: bool
) -> None:
    assert choose(found, tmp_path) == upstream.Upstream(environment, *addresses, own_sandbox)


@pytest.mark.parametrize("name", upstream.CREDENTIAL_NAMES)
def test_half_a_credential_never_starts_a_sandbox(tmp_path: Path, name: str) -> None:
    assert choose({name: "x"}, tmp_path).own_sandbox is False


@pytest.mark.parametrize("name", ["kalshi.json", "kalshi_private.pem"])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_credential_file_never_lets_a_sandbox_start_even_as_a_dangling_link(
    tmp_path: Path, name: str, dangling: bool
) -> None:
    (tmp_path / ".secrets").mkdir()
    path = tmp_path / ".secrets" / name
    path.symlink_to(tmp_path / "gone") if dangling else path.touch()
    assert choose({}, tmp_path) == upstream.Upstream("prod", *PROD, False)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"KALSHI_ENV": "prod"}, "KALSHI_ENV is 'prod', but no credentials"),
        ({"KALSHI_ENV": "demo"}, "KALSHI_ENV is 'demo', but no credentials"),
        (LOCAL, "KALSHI_BASE_URL is set, but no credentials"),
        (LOCAL | {"KALSHI_ENV": "sandbox"}, "KALSHI_BASE_URL is set, but no credentials"),
    ],
)
def test_a_named_exchange_without_credentials_stops(
    tmp_path: Path, found: dict[str, str], words: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        choose(found, tmp_path)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("prod", DEMO[0]),
        ("sandbox", DEMO[0]),
        ("demo", PROD[0]),
        ("demo", "https://api.elections.kalshi.com/trade-api/v2"),
        ("prod", "https://demo-api.kalshi.co/trade-api/v2"),
    ],
)
def test_an_address_of_another_environment_stops(tmp_path: Path, environment: str, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"KALSHI_ENV is .* but KALSHI_BASE_URL is an address of"):
        choose(KEY | {"KALSHI_ENV": environment, "KALSHI_BASE_URL": url}, tmp_path)


def test_a_secrets_folder_that_cannot_be_searched_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".secrets").symlink_to(tmp_path / ".secrets")
    with pytest.raises(ImproperlyConfigured, match="cannot be looked at"):
        choose({}, tmp_path)
