"""The lock files: which there are, what they pin, and which environment was made from each. Reads files, no network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
CLIENTS = ROOT / "kalshi/tests/clients"
ADDRESS = re.compile(r"://|^\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b")
RESOLVED = re.compile(r'^\s*"resolved":')


@dataclass(frozen=True)
class Lock:
    """A lock file of Python packages, and the folder of the environment that holds what it pins."""

    file: Path
    environment: Path


def python_locks() -> list[Lock]:
    """Every one of the repository."""
    clients = sorted(CLIENTS.glob("*/requirements.txt"))
    return [
        Lock(ROOT / "requirements.txt", VENV),
        Lock(ROOT / "requirements-dev.txt", VENV),
        *(Lock(file, VENV / "clients" / file.parent.name) for file in clients),
    ]


def pins(text: str) -> Iterator[Requirement]:
    """What a lock file names, each with its version, extras and marker."""
    for line in text.splitlines():
        if line[:1].isalnum():
            yield Requirement(line.rstrip("\\").split(" --hash=")[0])


def by_name(text: str, environment: Mapping[str, str]) -> dict[str, Requirement]:
    """The pins that are meant for an environment (packaging's marker names and values)."""
    return {
        canonicalize_name(pin.name): pin
        for pin in pins(text)
        if pin.marker is None or pin.marker.evaluate(dict(environment))
    }


def addresses(text: str) -> list[int]:
    """Lines (from 1) that name a server from which packages come: everybody has a registry of their own."""
    return [
        number
        for number, line in enumerate(text.splitlines(), 1)
        if not line.startswith("#") and ADDRESS.search(line)
    ]


def npm_addresses(text: str) -> list[int]:
    """The same in a lock file of npm, where other addresses (of homes, of funds) are facts about a package."""
    return [number for number, line in enumerate(text.splitlines(), 1) if RESOLVED.match(line)]
