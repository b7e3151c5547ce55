from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from kalshi.errors import BadRequest
from kalshi.models import AuditEvent
from kalshi.printable import printable
from kalshi.services import audit_reading
from kalshi.services.audit import Action
from kalshi.services.audit_export import CHUNK, csv_lines


class Command(BaseCommand):
    help = "Print the audit log, oldest first: one event a line, or as CSV."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", help="from this moment on: 2026-11-21 or 2026-11-21T08:00, in UTC")
        parser.add_argument("--until", help="before this moment")
        parser.add_argument("--action", choices=Action.values, help="only events of this kind")
        parser.add_argument("--account", metavar="SLUG", help="only events about this account")
        parser.add_argument(
            "--csv",
            action="store_true",
            help="as CSV, safe to open in a spreadsheet; on a terminal with ? for what could steer it",
        )

    def handle(
        self,
        *,
        since: str | None,
        until: str | None,
        action: str | None,
        account: str | None,
        csv: bool,
        **_: Any,
    ) -> None:
        events: QuerySet[AuditEvent] = AuditEvent.objects.order_by("at", "id")
        events = audit_reading.within(events, _moment("--since", since), _moment("--until", until))
        if action is not None:
            events = events.filter(action=action)
        if account is not None:
            events = audit_reading.about(events, account)
        rows = events.iterator(CHUNK)
        # A file gets the very characters; on a terminal they could steer it.
        shown = printable if self.stdout.isatty() else str
        for line in csv_lines(rows) if csv else map(_shown, rows):
            self.stdout.write(shown(line.removesuffix("\r\n")))


def _moment(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else audit_reading.moment(option, text)
    except BadRequest as problem:
        raise CommandError(str(problem)) from None


def _shown(event: AuditEvent) -> str:
    cells = (event.at.isoformat(timespec="seconds"), event.actor or "-", event.action, event.target or "-")
    about = [f"account {event.account}"] if event.account else []
    return printable("  ".join([*cells, *about, *([event.address] if event.address else [])]))
