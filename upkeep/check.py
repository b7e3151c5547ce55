"""What `make check` says about the lock files, without a network: `python -m upkeep.check`. Exit code 1: a fault.

Extras are looked up in the environments under .venv; where one is missing, a warning says what is not checked.
"""

from __future__ import annotations

import sys

from upkeep import extras, locks


def main() -> int:
    faults = [*addresses(), *(fault for lock in locks.python_locks() for fault in extras_of(lock))]
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


def addresses() -> list[str]:
    """Where lock files name a registry."""
    npm_locks = sorted(locks.CLIENTS.glob("*/package-lock.json"))
    found = {lock.file: locks.addresses(lock.file.read_text()) for lock in locks.python_locks()}
    found |= {file: locks.npm_addresses(file.read_text()) for file in npm_locks}
    return [
        f"{file.relative_to(locks.ROOT)}:{number}: names a registry; everybody has their own"
        for file, numbers in found.items()
        for number in numbers
    ]


def extras_of(lock: locks.Lock) -> list[str]:
    """Requirements with extras that are pinned without, in one lock file."""
    name = lock.file.relative_to(locks.ROOT)
    if not (lock.environment / "pyvenv.cfg").exists():
        place = lock.environment.relative_to(locks.ROOT)
        print(f"warning: extras in {name} are not checked, for {place} is not there", file=sys.stderr)
        return []
    markers = extras.markers_of(lock.environment)
    pinned = locks.by_name(lock.file.read_text(), markers)
    found = extras.faults(pinned, extras.installed_in(lock.environment), markers)
    return [f"{name}: {fault}" for fault in found]


if __name__ == "__main__":
    sys.exit(main())
