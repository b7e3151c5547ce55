"""The oldest pip installs exactly what is pinned, on a day on which everything has a newer release."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from upkeep import extras, locks
from upkeep.tests.wheels import NEWER, OLDEST_PIP, resolve, wheel


def test_it_is_the_oldest_pip_that_is_tested() -> None:
    command = [sys.executable, "-m", "pip", "--version"]
    said = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(OLDEST_PIP)}, text=True, capture_output=True, check=True
    ).stdout
    assert said.startswith("pip 23.2.1 "), f"make .venv/oldest-pip\n{said}"


class TestOneRequirementWithAnExtra:
    @pytest.fixture
    def index(self, tmp_path: Path) -> Path:
        wheel(tmp_path, "measure", NEWER, extras=["toml"])
        return tmp_path

    def lock(self, index: Path, measure: str) -> list[tuple[Requirement, str]]:
        return [
            (Requirement("covers==1.0"), wheel(index, "covers", "1.0", requires=["measure[toml]>=1"])),
            (Requirement(measure), wheel(index, "measure", "1.0", extras=["toml"])),
        ]

    def test_pinned_with_its_extra_it_is_the_pinned_version(self, index: Path) -> None:
        outcome = resolve(index, self.lock(index, "measure[toml]==1.0"))
        assert outcome.versions == {"covers": "1.0", "measure": "1.0"}, outcome.output

    def test_pinned_without_it_nothing_can_be_installed(self, index: Path) -> None:
        outcome = resolve(index, self.lock(index, "measure==1.0"))
        assert not outcome.versions
        assert f"measure-{NEWER}" in outcome.output and "must have their versions pinned" in outcome.output


class TestEveryLockFileOfOurs:
    """With the names, versions and requirements of the real packages, and nothing inside them."""

    FILES = ("requirements.txt", "requirements-dev.txt")

    def lock(self, index: Path, name: str) -> list[tuple[Requirement, str]]:
        text, markers = (locks.ROOT / name).read_text(), extras.markers_of(locks.VENV)
        pinned = []
        for pin in locks.by_name(text, markers).values():
            package = metadata.distribution(pin.name)
            offers = package.metadata.get_all("Provides-Extra") or []
            digests = [
                wheel(index, canonicalize_name(pin.name), version, package.requires or [], offers)
                for version in (NEWER, package.version)
            ]
            pinned.append((pin, digests[-1]))
        return pinned

    @pytest.mark.parametrize("name", FILES)
    def test_everything_is_the_pinned_version(self, name: str, tmp_path: Path) -> None:
        lock = self.lock(tmp_path, name)
        outcome = resolve(tmp_path, lock)
        wanted = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin, _ in lock}
        assert outcome.versions == wanted, outcome.output[-2000:]
