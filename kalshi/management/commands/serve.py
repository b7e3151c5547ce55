import os
import sys
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from kalshi.errors import ConfigError
from kalshi.server import serving, sockets
from kalshi.server.one_server import one_server

MOST_WORKERS = 64


class Command(BaseCommand):
    help = (
        "Serve the dashboard, the API and the admin. SIGHUP replaces the server processes one by one; SIGTERM "
        "ends them within five seconds."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--workers",
            type=int,
            default=settings.KALSHI.get("WORKERS", 1),
            help="server processes (default WORKERS)",
        )
        parser.add_argument("--bind", metavar="HOST:PORT", help="where to listen (default HOST and PORT)")

    def handle(self, *, workers: int, bind: str | None, **_: Any) -> None:
        if not 1 <= workers <= MOST_WORKERS:
            raise CommandError(f"--workers is {workers}; allowed: 1 to {MOST_WORKERS}.")
        refuse_faults()
        refuse_newer_database()
        # The server processes read their settings anew, and divide the budget by this while Redis is lost.
        os.environ["WORKERS"] = str(workers)
        try:
            serving.refuse_workers_without_redis(workers)
            host, port = sockets.parse(bind) if bind else (settings.HOST, settings.PORT)
            with one_server():
                serving.run_supervised(sockets.listen(host, port), workers, reload_on_hangup=True)
        except ConfigError as problem:
            raise CommandError(problem.message) from None
        except KeyboardInterrupt:
            sys.exit(130)


def refuse_faults() -> None:
    """Raise CommandError with the first serious fault of the set-up and its remedy."""
    for problem in checks.run_checks():
        if problem.level >= checks.ERROR:
            raise CommandError(f"{problem.msg} {problem.hint or ''} ({problem.id})".replace("  ", " "))


def refuse_newer_database() -> None:
    """Raise CommandError when a newer version was here. A database that is away refuses nothing: it may come back."""
    from kalshi.services import (
        health,
    )  # needs the models, which are not there yet for who only takes `refuse_faults`

    try:
        newer = health.newer_database()
    except DatabaseError:
        return
    finally:
        connections.close_all()  # the server processes have their own
    if newer:
        raise CommandError(f"{newer} {health.NEWER_REMEDY}")
