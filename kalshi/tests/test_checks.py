from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.core import checks

from kalshi.checks import check_setup
from kalshi.tests.private_keys import new_pem

PEM = new_pem()
KEY_ID = "5b2f1c9e-0000-4000-8000-00000000c0de"
CREDENTIALS = {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY": PEM}


@pytest.fixture
def good(settings: Any, tmp_path: Path) -> dict[str, Any]:
    """A set-up without any fault, in force; change and assign again to settings.KALSHI."""
    settings.KALSHI = {
        "ENVIRONMENT": "demo",
        "BASE_URL": "https://external-api.demo.kalshi.co/trade-api/v2",
        "WS_URL": "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
        "CREDENTIALS": CREDENTIALS,
        "CREDENTIALS_HOME": tmp_path,
    }
    return dict(settings.KALSHI)


def only_message() -> checks.CheckMessage:
    found = check_setup()
    assert len(found) == 1
    for text in (found[0].msg, found[0].hint or ""):
        assert KEY_ID not in text
        assert PEM.splitlines()[1] not in text
    return found[0]


def test_a_good_set_up_has_nothing_to_say(good: dict[str, Any]) -> None:
    assert check_setup() == []


def test_djangos_own_check_command_runs_them(good: dict[str, Any], settings: Any) -> None:
    settings.KALSHI = {}
    assert "kalshi.E001" in [found.id for found in checks.run_checks(tags=["kalshi"])]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"BASE_URL": ""}, "settings.KALSHI needs BASE_URL"),
        ({"ENVIRONMENT": None}, "settings.KALSHI needs ENVIRONMENT"),
        ({"BASEURL": "https://x"}, "settings.KALSHI has the unknown name BASEURL"),
    ],
)
def test_e001_an_incomplete_or_misspelt_setting(
    good: dict[str, Any], settings: Any, change: dict[str, Any], words: str
) -> None:
    settings.KALSHI = good | change
    found = only_message()
    assert (found.id, found.level) == ("kalshi.E001", checks.ERROR)
    assert words in found.msg
    assert "INTEGRATION.md" in str(found.hint)


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ({"KALSHI_API_KEY_ID": KEY_ID}, "KALSHI_PRIVATE_KEY_PATH"),
        ({"KALSHI_PRIVATE_KEY": PEM}, "KALSHI_API_KEY_ID"),
        (CREDENTIALS | {"KALSHI_PRIVATE_KEY": PEM[:60]}, "KALSHI_PRIVATE_KEY"),
        (
            {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": "/nowhere/key.pem"},
            "/nowhere/key.pem",
        ),
    ],
)
def test_e002_credentials_that_cannot_be_used(
    good: dict[str, Any], settings: Any, credentials: dict[str, str], words: str
) -> None:
    settings.KALSHI = good | {"CREDENTIALS": credentials}
    found = only_message()
    assert (found.id, found.level) == ("kalshi.E002", checks.ERROR)
    assert words in found.msg
    assert "README.md" in str(found.hint)


def test_e002_an_open_key_file_unless_it_is_allowed(
    good: dict[str, Any], settings: Any, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_text(PEM)
    path.chmod(0o644)
    good["CREDENTIALS"] = {"KALSHI_API_KEY_ID": KEY_ID, "KALSHI_PRIVATE_KEY_PATH": str(path)}
    settings.KALSHI = good
    found = only_message()
    assert found.id == "kalshi.E002"
    assert "chmod 600" in found.msg
    settings.KALSHI = good | {"ALLOW_OPEN_KEY_FILE": True}
    assert check_setup() == []


@pytest.mark.parametrize("path", ["no_such_module.function", "os.no_such_function", "os.sep", "function"])
def test_e003_a_request_function_that_cannot_be_imported(
    good: dict[str, Any], settings: Any, path: str
) -> None:
    settings.KALSHI = good | {"REQUEST_FUNCTION": path}
    found = only_message()
    assert (found.id, found.level) == ("kalshi.E003", checks.ERROR)
    assert path in found.msg
    assert "KALSHI_REQUEST_FUNCTION" in str(found.hint)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("BASE_URL", "http://kalshi.example/trade-api/v2"),
        ("BASE_URL", "https://user:hunter2@kalshi.example/trade-api/v2"),
        ("WS_URL", "ws://kalshi.example/trade-api/ws/v2"),
        ("WS_URL", "https://kalshi.example/trade-api/ws/v2"),
    ],
)
def test_e004_an_upstream_address_that_is_not_allowed(
    good: dict[str, Any], settings: Any, name: str, url: str
) -> None:
    settings.KALSHI = good | {name: url}
    found = only_message()
    assert (found.id, found.level) == ("kalshi.E004", checks.ERROR)
    assert f"KALSHI_{name}" in found.msg
    assert f"KALSHI_{name}" in str(found.hint)
    assert "hunter2" not in found.msg


def test_e005_no_cache_for_upstream_answers(good: dict[str, Any], settings: Any) -> None:
    settings.KALSHI = good | {"CACHE_ALIAS": "elsewhere"}
    found = only_message()
    assert (found.id, found.level) == ("kalshi.E005", checks.ERROR)
    assert "'elsewhere'" in found.msg
    assert "cache_settings" in str(found.hint)


def test_w001_no_credentials_at_all(good: dict[str, Any], settings: Any) -> None:
    settings.KALSHI = good | {"CREDENTIALS": {}}
    found = only_message()
    assert (found.id, found.level) == ("kalshi.W001", checks.WARNING)
    assert "KALSHI_API_KEY_ID" in str(found.hint)


def test_no_warning_when_a_request_function_or_the_own_sandbox_signs(
    good: dict[str, Any], settings: Any, tmp_path: Path
) -> None:
    good["CREDENTIALS"] = {}
    settings.KALSHI = good | {"REQUEST_FUNCTION": f"{os.__name__}.getcwd"}
    assert check_setup() == []
    settings.KALSHI = good | {"SANDBOX_KEYS_DIR": tmp_path / "none"}
    assert check_setup() == []


def test_e002_damaged_sandbox_keys(good: dict[str, Any], settings: Any, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"rsa"')
    settings.KALSHI = good | {"SANDBOX_KEYS_DIR": tmp_path}
    found = only_message()
    assert found.id == "kalshi.E002"
    assert "delete the folder" in found.msg


@pytest.mark.parametrize(
    "network",
    [
        {"HTTPS_PROXY": "socks5://u:hunter2@p:1"},
        {"ALL_PROXY": "http://u:hunter2#@p:1"},
        {"SSL_CERT_FILE": "/none"},
    ],
)
def test_e006_a_proxy_or_certificates_that_cannot_be_used(
    good: dict[str, Any], settings: Any, network: dict[str, str]
) -> None:
    settings.KALSHI = good | {"NETWORK": network}
    found = only_message()
    assert (found.id, found.level) == ("kalshi.E006", checks.ERROR)
    assert found.msg.startswith(next(iter(network))) and "hunter2" not in found.msg
