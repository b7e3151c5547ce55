"""The audit log as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from kalshi.models import AuditEvent

COLUMNS = ("at", "actor", "action", "account", "target", "address", "request_id", "details")
CHUNK = 1_000
# A spreadsheet takes a cell that begins so for a formula, and would run what somebody typed as a user name.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """What csv writes to: hands the line back."""

    @staticmethod
    def write(line: str) -> str:
        return line


def csv_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Header and one line for each event; times in UTC, ISO 8601; account by its slug as it was then, empty for none;
    details as JSON. Nothing can act as a formula.
    """
    writer = csv.writer(_Echo())
    yield _line(writer, COLUMNS)
    for event in events:
        yield _line(
            writer,
            (
                event.at.isoformat(),
                event.actor,
                event.action,
                event.account,
                event.target,
                event.address or "",
                event.request_id,
                json.dumps(event.details, sort_keys=True, ensure_ascii=False),
            ),
        )


def _line(writer: Any, cells: Iterable[str]) -> str:
    line: str = writer.writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return line
