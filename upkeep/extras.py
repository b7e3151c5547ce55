"""Each requirement with extras, in the metadata of what is pinned, must itself be pinned with them.

Old pips (23.2 is what Python 3.11.7 brings) do not see that `coverage==7.17.3` answers `coverage[toml]`. They take the
newest release, which has no hash, and the installation stops: on the day on which a newer one appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Installed:
    """A package in an environment. requires: as its METADATA has them."""

    version: str
    requires: tuple[str, ...]


def faults(
    pinned: Mapping[str, Requirement], installed: Mapping[str, Installed], environment: Mapping[str, str]
) -> list[str]:
    """Sentences. Both mappings by canonical name; environment: packaging's marker names and values."""
    found = []
    for name, pin in sorted(pinned.items()):
        if name not in installed:
            found.append(f"{name} is pinned and not installed")
        elif not pin.specifier.contains(installed[name].version, prereleases=True):
            found.append(f"{name}{pin.specifier} is pinned, {installed[name].version} is installed")
        else:
            found += missing(name, pin, installed[name].requires, pinned, environment)
    return found


def missing(
    name: str,
    pin: Requirement,
    requires: Iterable[str],
    pinned: Mapping[str, Requirement],
    environment: Mapping[str, str],
) -> list[str]:
    """What one package wants with extras and does not find pinned with them."""
    found = []
    for wanted in map(Requirement, requires):
        if not wanted.extras or not _applies(wanted, pin.extras, environment):
            continue
        have = pinned.get(canonicalize_name(wanted.name))
        lacking = wanted.extras - (have.extras if have else set())
        if lacking:
            found.append(
                f"{name} wants {wanted.name}[{','.join(sorted(wanted.extras))}], pinned is {have or 'nothing'}"
            )
    return found


def _applies(wanted: Requirement, extras: Iterable[str], environment: Mapping[str, str]) -> bool:
    marker = wanted.marker
    return marker is None or any(
        marker.evaluate({**environment, "extra": extra}) for extra in ("", *sorted(extras))
    )


def installed_in(environment: Path) -> dict[str, Installed]:
    """By canonical name."""
    folders = [str(folder) for folder in environment.glob("lib/python3*/site-packages")]
    return {
        canonicalize_name(each.name): Installed(each.version, tuple(each.requires or ()))
        for each in metadata.distributions(path=folders)
    }


def markers_of(environment: Path) -> dict[str, str]:
    """What markers mean there: this machine, with the Python of that environment."""
    lines = (environment / "pyvenv.cfg").read_text().splitlines()
    version = next(line.split("=")[1].strip() for line in lines if line.startswith("version"))
    short = ".".join(version.split(".")[:2])
    here = {name: str(value) for name, value in default_environment().items()}
    return here | {"python_version": short, "python_full_version": version, "extra": ""}
