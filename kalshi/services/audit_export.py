"""The audit log as CSV."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from kalshi.models import AuditEvent

COLUMNS = ("at", "actor", "action", "account", "target", "address", "request_id", "details")
CHUNK = 1_000
# A spreadsheet takes a cell that begins so for a formula, and would run what somebody typed as a user name. One that
# splits at semicolons or tabs, as Excel does in half of Europe, sees cells begin within ours, past quotes and blanks.
_CELL_BEGINS = re.compile(r"""\A(?=[\t\r\n])|((?:\A|[;,|\t\r\n])[\s\x00-\x20\ufeff"]*)(?=[=+\-@＝＋－＠])""")
# Most cells have none of these: they are through in a fifth of the time.
_COULD_BEGIN_ONE = re.compile(r"[=+\-@＝＋－＠\t\r\n]")


class _Echo:
    """What csv writes to: hands the line back."""

    @staticmethod
    def write(line: str) -> str:
        return line


def csv_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Header and one line for each event; times in UTC, ISO 8601; account by its slug as it was then, empty for none;
    details as JSON. Nothing can act as a formula, whichever character the reader takes for the separator: an apostrophe
    stands before what could.
    """
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
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
    line: str = writer.writerow([without_formulas(cell) for cell in cells])
    return line


def without_formulas(cell: str) -> str:
    """Everything else of it stays as it is."""
    return _CELL_BEGINS.sub(r"\1'", cell) if _COULD_BEGIN_ONE.search(cell) else cell
