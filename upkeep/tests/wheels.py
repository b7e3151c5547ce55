"""A local index of tiny wheels, and the oldest pip in front of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from upkeep import locks

OLDEST_PIP = locks.VENV / "oldest-pip"
NEWER = "99999"


def wheel(
    index: Path, name: str, version: str, requires: Iterable[str] = (), extras: Iterable[str] = ()
) -> str:
    """Put an empty package into the index and return the SHA-256 of its wheel."""
    file_name = name.replace("-", "_")
    info = f"{file_name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {required}" for required in requires]
    files = {
        f"{info}/METADATA": "\n".join(lines) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    path = index / f"{file_name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in files.items():
            archive.writestr(inside, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Outcome:
    """What pip would install (versions by name), and what it said."""

    versions: dict[str, str]
    output: str


def resolve(index: Path, lock: Iterable[tuple[Requirement, str]]) -> Outcome:
    """What the oldest pip makes of a lock file (pins with the SHA-256 of their wheels) in front of this index."""
    file, report = index / "lock.txt", index / "report.json"
    file.write_text("".join(f"{pin} --hash=sha256:{digest}\n" for pin, digest in lock))
    command = [sys.executable, "-m", "pip", "--isolated", "install", "--no-index", "--find-links", str(index)]
    command += [
        "--require-hashes",
        "--dry-run",
        "--ignore-installed",
        "--report",
        str(report),
        "-r",
        str(file),
    ]
    done = subprocess.run(
        command,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "COVERAGE_"))}
        | {"PYTHONPATH": str(OLDEST_PIP), "PIP_CONFIG_FILE": os.devnull},
        text=True,
        capture_output=True,
        timeout=100,
        check=False,
    )
    versions = {}
    if done.returncode == 0:
        chosen = [each["metadata"] for each in json.loads(report.read_text())["install"]]
        versions = {each["name"]: each["version"] for each in chosen}
    return Outcome(versions, done.stdout + done.stderr)
