from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kalshi import server
from kalshi.errors import ConfigError


class Command(BaseCommand):
    help = "Serve the dashboard, the API and the admin."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=getattr(settings, "HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=getattr(settings, "PORT", 8000))

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        refuse_faults()
        try:
            server.run(server.listen(host, port))
        except ConfigError as problem:
            raise CommandError(problem.message) from None


def refuse_faults() -> None:
    """Raise CommandError with the first serious fault of the set-up and its remedy."""
    for problem in checks.run_checks():
        if problem.level >= checks.ERROR:
            raise CommandError(f"{problem.msg} {problem.hint or ''} ({problem.id})".replace("  ", " "))
