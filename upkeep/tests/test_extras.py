from __future__ import annotations

import pytest
from packaging.markers import default_environment

from upkeep import check, extras, locks
from upkeep.extras import Installed

MARKERS = {name: str(value) for name, value in default_environment().items()} | {"python_version": "3.11"}
HASH = " \\\n    --hash=sha256:00\n"


def faults(lock: str, **requires: list[str]) -> list[str]:
    """Of a lock file whose packages are installed in version 1, with these requirements in their metadata."""
    pinned = locks.by_name(lock, MARKERS)
    installed = {name: Installed("1", tuple(requires.get(name, []))) for name in pinned}
    return extras.faults(pinned, installed, MARKERS)


@pytest.mark.parametrize(
    ("pin", "wanted", "is_fault"),
    [
        ("measure==1", "measure>=1", False),
        ("measure==1", "measure[toml]>=1", True),
        ("measure[toml]==1", "measure[toml]>=1", False),
        ("measure[toml, other]==1", "Measure[toml]", False),
        ("measure[other]==1", "measure[toml]", True),
        ("measure[toml]==1", "measure[toml,other]", True),
        ("measure==1", 'measure[toml]; python_version < "3.11"', False),
        ("measure==1", 'measure[toml]; python_version >= "3.11"', True),
        ("measure==1", 'measure[toml]; extra == "fast"', True),
        ("measure==1", 'measure[toml]; extra == "slow"', False),
        ('measure[toml]==1 ; sys_platform == "beos"', "measure[toml]", True),
    ],
)
def test_what_a_package_wants_with_extras_is_pinned_with_them(pin: str, wanted: str, is_fault: bool) -> None:
    found = faults(
        f"# made by make lock\ncovers[fast]==1{HASH}    # via -r x.in\n{pin}{HASH}", covers=[wanted]
    )
    assert bool(found) == is_fault, found
    assert all(fault.startswith("covers wants ") for fault in found)


def test_another_version_and_a_missing_package_prove_nothing_and_are_faults() -> None:
    pinned = locks.by_name("one==1\ntwo==2\n", MARKERS)
    assert extras.faults(pinned, {"one": Installed("1.5", ())}, MARKERS) == [
        "one==1 is pinned, 1.5 is installed",
        "two is pinned and not installed",
    ]


@pytest.mark.parametrize(
    ("line", "is_fault"),
    [
        ("django==5.2.16 \\", False),
        ("    --hash=sha256:00 \\", False),
        ("#    https://docs.example/ tells more", False),
        ("--index-url https://packages.example/simple", True),
        ("-i https://packages.example/simple", True),
        ("--find-links /srv/wheels", True),
        ("--trusted-host packages.example", True),
        ("django @ https://packages.example/django.whl", True),
    ],
)
def test_a_lock_file_names_no_registry(line: str, is_fault: bool) -> None:
    assert locks.addresses(f"one==1\n{line}\n") == ([2] if is_fault else [])


def test_one_of_npm_names_none_either() -> None:
    fund = '{"funding": {\n"url": "https://fund.example"}}'
    assert locks.npm_addresses(fund) == []
    assert locks.npm_addresses('{\n  "resolved": "https://packages.example/x.tgz"}') == [2]


def test_every_lock_file_of_ours_is_looked_at_and_good(capsys: pytest.CaptureFixture[str]) -> None:
    files = {str(lock.file.relative_to(locks.ROOT)) for lock in locks.python_locks()}
    assert files >= {
        "requirements.txt",
        "requirements-dev.txt",
        "kalshi/tests/clients/python/requirements.txt",
    }
    assert check.main() == 0, capsys.readouterr().err


def test_the_requirement_that_stopped_a_fresh_clone_is_found() -> None:
    text = (locks.ROOT / "requirements-dev.txt").read_text()
    markers = extras.markers_of(locks.VENV)
    pinned = locks.by_name(text.replace("coverage[toml]==", "coverage=="), markers)
    (fault,) = extras.faults(pinned, extras.installed_in(locks.VENV), markers)
    assert fault.startswith("pytest-cov wants coverage[toml], pinned is coverage==")
