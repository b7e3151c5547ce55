"""What the verify script finds, and the proof that none of it shows a secret. Pure; needs nothing installed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from kalshi.printable import printable

Status = Literal["ok", "warn", "fail"]

NAMES = (
    "python",
    "dependencies",
    "settings",
    "data folder",
    "key file",
    "key id",
    "clock",
    "signature",
    "scope",
    "balance",
    "positions",
    "cached call",
    "cache",
    "database",
    "migrations",
    "request function",
    "secrets",
)
MASK = "***"
SHORTEST_SECRET = 6
ORDINARY_WORD = 16


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome. `found` and `remedy` are for a person; `remedy` is empty when there is nothing to do. Both
    are printable, whoever's words stand in them.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("found", "remedy"):
            object.__setattr__(self, name, printable(getattr(self, name)))


def ok(name: str, found: str) -> Finding:
    return Finding(name, "ok", found)


def warn(name: str, found: str, remedy: str) -> Finding:
    return Finding(name, "warn", found, remedy)


def fail(name: str, found: str, remedy: str) -> Finding:
    return Finding(name, "fail", found, remedy)


def after_settings_failed() -> list[Finding]:
    """The findings of all checks that cannot be made without settings."""
    names = NAMES[NAMES.index("settings") + 1 : NAMES.index("secrets")]
    return [
        fail(name, "not tested: the settings cannot be used", "See the line `settings`.") for name in names
    ]


def all_good(findings: Iterable[Finding]) -> bool:
    """Warnings are no failure."""
    return all(finding.status != "fail" for finding in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    return {"ok": all_good(findings), "checks": [asdict(finding) for finding in findings]}


def as_line(finding: Finding) -> str:
    line = f"{finding.status:<5} {finding.name:<17} {finding.found}"
    return f"{line} -> {finding.remedy}" if finding.remedy else line


def masked_key_id(key_id: str) -> str:
    """Its last four characters, by which its owner recognises it; nothing of one that is too short for that."""
    return f"{MASK}{key_id[-4:]}" if len(key_id) >= 12 else MASK


def without_secrets(findings: Sequence[Finding], secrets: Iterable[str]) -> list[Finding]:
    """The findings with every secret masked, and one more: whether there was any to mask."""
    looked_for = {secret for secret in secrets if _counts(secret)}
    shown = masked(findings, looked_for)
    leaking = [old.name for old, new in zip(findings, shown, strict=True) if old != new]
    return [*shown, _verdict(leaking, len(looked_for))]


def masked(findings: Iterable[Finding], secrets: Iterable[str]) -> list[Finding]:
    """The findings with every secret masked."""
    patterns = [_pattern(secret) for secret in sorted(set(secrets), key=len, reverse=True) if _counts(secret)]
    shown = []
    for finding in findings:
        found, remedy = finding.found, finding.remedy
        for pattern in patterns:
            found, remedy = pattern.sub(MASK, found), pattern.sub(MASK, remedy)
        shown.append(replace(finding, found=found, remedy=remedy))
    return shown


def _verdict(leaking: Sequence[str], looked_for: int) -> Finding:
    if leaking:
        lines = ", ".join(leaking)
        return fail(
            "secrets", f"a secret stood in: {lines}; masked", "Please report this as a bug of the product."
        )
    return ok("secrets", f"none in the lines above ({looked_for} looked for)")


def _counts(secret: str) -> bool:
    return len(secret) >= SHORTEST_SECRET


def _pattern(secret: str) -> re.Pattern[str]:
    """A short one, such as the password "postgres", only as a word of its own."""
    escaped = re.escape(secret)
    return re.compile(escaped if len(secret) >= ORDINARY_WORD else rf"(?<![\w]){escaped}(?![\w])")
