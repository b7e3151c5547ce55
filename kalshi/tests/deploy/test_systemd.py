"""The units of deploy/systemd: what systemd makes of them where it is installed, and that what they start does work."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from kalshi.tests.servers import ROOT, Process, Sandbox, bare_environment, free_port, running, wait_until

UNITS = ROOT / "deploy" / "systemd"
UNIT = UNITS / "kalshi-gateway.service"
DROP_IN = UNITS / "key-as-credential.conf"
SECTIONS = {"Unit", "Service", "Install"}
# Keys that add up when they come again. Any other would silently take the first one's place.
LISTS = {"Environment", "SystemCallFilter"}

Settings = dict[str, list[str]]


def read(path: Path) -> Settings:
    """`Section.Key` -> its values."""
    found: Settings = {}
    section = ""
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
            assert section in SECTIONS
        elif line and not line.startswith("#"):
            key, separator, value = line.partition("=")
            assert separator and key.isalnum(), line
            found.setdefault(f"{section}.{key}", []).append(value)
    return found


@pytest.mark.parametrize("path", [UNIT, DROP_IN], ids=lambda path: path.name)
def test_every_line_is_in_force(path: Path) -> None:
    doubled = {
        key for key, values in read(path).items() if len(values) > 1 and key.split(".")[1] not in LISTS
    }
    assert doubled == set()


def test_systemd_finds_no_fault_in_them(tmp_path: Path) -> None:
    """Where there is no systemd, what it would start is still tried by the test below."""
    unit = tmp_path / UNIT.name
    unit.write_text(as_if_installed(UNIT.read_text()))
    folder = tmp_path / f"{UNIT.name}.d"
    folder.mkdir()
    (folder / DROP_IN.name).write_bytes(DROP_IN.read_bytes())
    assert "ExecStart" in unit.read_text()
    if program := shutil.which("systemd-analyze"):
        verify = [program, "verify", "--man=no", "--recursive-errors=no", str(unit)]
        done = subprocess.run(verify, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def as_if_installed(text: str) -> str:
    return text.replace("/opt/kalshi-gateway/.venv/bin/python", sys.executable).replace(
        "/opt/kalshi-gateway", str(ROOT)
    )


def test_the_service_may_do_little() -> None:
    service = read(UNIT)
    assert service["Service.User"] == ["kalshi"]
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID"):
        assert service[f"Service.{key}"] == ["yes"]
    assert service["Service.ProtectSystem"] == ["strict"]
    assert service["Service.CapabilityBoundingSet"] == [""]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(Sandbox) as found:
        yield found


class Installed:
    """The unit's own commands and environment, with the folders of an installation replaced by ones of the test."""

    def __init__(self, folder: Path, sandbox: Sandbox, *, as_credential: bool) -> None:
        self.port = free_port()
        settings, key = folder / "settings.env", folder / "kalshi_private.pem"
        key.write_bytes(sandbox.key_path().read_bytes())
        # As systemd 254 and newer show a credential; else as README tells to make the file.
        key.chmod(0o440 if as_credential else 0o400)
        lines = sandbox.environment() | {"PORT": str(self.port), "KALSHI_PRIVATE_KEY_PATH": str(key)}
        if as_credential:
            del lines["KALSHI_PRIVATE_KEY_PATH"]
        settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        self._replaced = {
            "/etc/kalshi-gateway/settings.env": str(settings),
            "/var/lib/kalshi-gateway": str(folder / "data"),
            "%d": str(folder),
        }
        self._service = read(UNIT)
        declared = self._service["Service.Environment"]
        declared = declared + (read(DROP_IN)["Service.Environment"] if as_credential else [])
        self.env = bare_environment(folder) | dict(self._here(line).split("=", 1) for line in declared)

    def _here(self, text: str) -> str:
        text = as_if_installed(text)
        for there, here in self._replaced.items():
            text = text.replace(there, here)
        return text

    def command(self, key: str) -> list[str]:
        return shlex.split(self._here(self._service[f"Service.{key}"][0]))

    def run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).ok
        return False


def test_the_key_is_accepted_as_systemd_shows_a_credential(tmp_path: Path, sandbox: Sandbox) -> None:
    installed = Installed(tmp_path, sandbox, as_credential=True)
    installed.run([installed.command("ExecStart")[0], "manage.py", "check"])


def test_what_the_unit_starts_becomes_ready_reloads_and_ends_in_time(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    installed = Installed(tmp_path, sandbox, as_credential=False)
    installed.run(installed.command("ExecStartPre"))
    python = installed.command("ExecStart")[0]
    for arguments in commands_of_the_recipe():
        said = installed.run([python, *arguments])
    assert said.startswith("https://dash.example.com/sign-in/")
    process = Process(installed.command("ExecStart"), installed.env)
    try:
        wait_until(installed.is_ready, 20, "readyz 200")
        reload = installed.command("ExecReload")
        assert reload == ["/bin/kill", "-HUP", "$MAINPID"]
        process.popen.send_signal(signal.SIGHUP)
        wait_until(starts_seen(process, 2), 20, "a new worker")
        assert installed.is_ready()
    finally:
        process.stop(signal.SIGTERM, timeout_s=6)


def starts_seen(process: Process, count: int) -> Callable[[], bool]:
    return lambda: process.output.count("Application startup complete") >= count


def commands_of_the_recipe() -> list[list[str]]:
    """What deploy/README.md has people run with manage.py once the service is installed."""
    text = (ROOT / "deploy" / "README.md").read_text()
    told = [line.split("manage.py", 1)[1] for line in text.splitlines() if "sudo -u kalshi" in line]
    assert len(told) == 2, "the owner and the first link"
    return [["manage.py", *shlex.split(line)] for line in told]
