"""docs/licences.md, made from the metadata of what is installed: `python -m upkeep.licences`.

Packages that the lock files pin for other machines than this one are named here by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata

from packaging.utils import canonicalize_name

from upkeep import locks

DOCUMENT = locks.ROOT / "docs/licences.md"
LONGEST = 40
"""Characters; a longer `License` is the text of one."""
ELSEWHERE = {"async-timeout": "Apache-2.0", "colorama": "BSD-3-Clause", "tzdata": "Apache-2.0"}
"""Older Pythons and Windows only."""

HEAD = """# Licences

This project: MIT, see [LICENSE](../LICENSE). It contains no program of anybody else; `reference/kalshi-api` describes
Kalshi's API. What it installs has licences of its own, here as each package states its own.
`.venv/bin/python -m upkeep.licences` writes this page.

Front-end files that packages bring along: Swagger UI (Apache-2.0) in drf-spectacular-sidecar; htmx (0BSD), Alpine.js,
Chart.js and SimpleBar (MIT) in django-unfold.

Psycopg is LGPL-3.0: it may be used, replaced and passed on as it is, beside code of any licence.
"""


class Unknown(Exception):
    """A pinned package that is not here and not named by hand, or that states no licence."""


def document() -> str:
    runtime = names("requirements.txt")
    development = names("requirements-dev.txt") - runtime
    return "\n".join(
        [
            HEAD,
            *table("Needed to run it", runtime),
            "",
            *table("Needed to work on it", development),
            "",
        ]
    )


def names(lock: str) -> set[str]:
    return {canonicalize_name(pin.name) for pin in locks.pins((locks.ROOT / lock).read_text())}


def table(title: str, packages: Iterable[str]) -> list[str]:
    rows = [f"| {name} | {licence_of(name)} |" for name in sorted(packages)]
    return [f"## {title}", "", "| Package | Licence |", "|---|---|", *rows]


def licence_of(name: str) -> str:
    """Raises Unknown."""
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        raise Unknown(f"{name} is pinned and not installed here; name its licence in {__name__}") from None
    expression, text = (
        each[0] if each else None for each in map(found.get_all, ("License-Expression", "License"))
    )
    stated = stated_in(expression, text, found.get_all("Classifier") or [])
    if stated is None:
        raise Unknown(f"{name} states no licence; look it up and name it in {__name__}")
    return stated


def stated_in(expression: str | None, text: str | None, classifiers: Iterable[str]) -> str | None:
    """The most exact of what a package's metadata may have; None: nothing."""
    if expression:
        return expression
    if text and len(text) <= LONGEST and "\n" not in text:
        return text
    prefix = "License :: OSI Approved :: "
    kinds = [line.removeprefix(prefix) for line in classifiers if line.startswith(prefix)]
    return ", ".join(kinds) or None


def main() -> int:
    try:
        DOCUMENT.write_text(document())
    except Unknown as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
