"""Is this the Python, and are these the packages, that the product was built with? Needs nothing installed."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kalshi.services.verify_findings import Finding, fail, ok

OLDEST_PYTHON = (3, 11)
SHOWN = 4
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?==(?P<version>[^\s;\\]+)\s*(?P<condition>;)?"
)
MAKE_RUN = "Run `make run`, which installs what requirements.txt names into .venv."


def python(found: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, found))
    if found < OLDEST_PYTHON:
        return fail(
            "python", f"{text}; 3.11 or newer is needed", "Install it, then: make PYTHON=python3.11 run"
        )
    return ok("python", text)


def dependencies(requirements: Path) -> Finding:
    """Compare what is installed with the pins. A pin with a condition may be absent: it may not be meant for us."""
    try:
        pins = [found for line in requirements.read_text().splitlines() if (found := PIN.match(line))]
    except OSError as problem:
        return fail(
            "dependencies", f"{requirements.name}: {problem.strerror}", "Restore it from the repository."
        )
    faults = []
    for pin in pins:
        installed = _installed(pin["name"])
        if installed is None and not pin["condition"]:
            faults.append(f"{pin['name']} is missing")
        elif installed not in {None, pin["version"]}:
            faults.append(f"{pin['name']} is {installed}, not {pin['version']}")
    if faults:
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        return fail("dependencies", "; ".join(faults[:SHOWN]) + more, MAKE_RUN)
    return ok("dependencies", f"{len(pins)} packages as pinned")


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
