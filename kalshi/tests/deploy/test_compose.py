"""The compose file, checked and not started: it fits the official schema and gives nobody more than is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from ruamel.yaml import YAML

from kalshi.tests.servers import ROOT

FILE = ROOT / "deploy" / "compose.yaml"
SCHEMA = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(FILE.read_text())
    return found


def test_it_fits_the_official_schema() -> None:
    done = subprocess.run([*SCHEMA, str(FILE)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_service_is_privileged_or_can_write_its_own_files(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        assert "privileged" not in service, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_images_are_named_by_their_major_release(composed: dict[str, Any]) -> None:
    for name, service in composed["services"].items():
        if "build" not in service:
            assert re.fullmatch(r"[a-z]+:\d+-\w+", service["image"]), name


def test_only_the_gateway_can_be_reached_and_only_from_this_machine(composed: dict[str, Any]) -> None:
    ports = {name: service["ports"] for name, service in composed["services"].items() if "ports" in service}
    assert ports == {"app": ["127.0.0.1:8000:8000"]}
    assert composed["networks"]["back"] == {"internal": True}
    for name in ("redis", "postgres"):
        assert composed["services"][name]["networks"] == ["back"]


def test_the_gateway_waits_for_what_it_needs_and_everything_tells_its_health(
    composed: dict[str, Any],
) -> None:
    services = composed["services"]
    for name in ("app", "redis", "postgres"):
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
        assert services[name]["restart"] == "unless-stopped", name
    assert services["app"]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }


def test_secrets_are_files_and_never_variables(composed: dict[str, Any]) -> None:
    files = {name: secret["file"] for name, secret in composed["secrets"].items()}
    assert all(file.startswith("./secrets/") for file in files.values())
    used = {secret for service in composed["services"].values() for secret in service.get("secrets", [])}
    assert used == set(files)
    for name, service in composed["services"].items():
        for variable, value in service.get("environment", {}).items():
            secret = re.search(r"PASSWORD|SECRET|TOKEN|PRIVATE_KEY", variable)
            assert not secret or str(value).startswith("/run/secrets/"), (name, variable)


def test_the_proxy_it_trusts_is_the_host(composed: dict[str, Any]) -> None:
    front = composed["networks"]["front"]["ipam"]["config"][0]
    assert composed["services"]["app"]["environment"]["TRUSTED_PROXIES"] == front["gateway"]
