from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import DEFAULT_DB_ALIAS, connections

from dashboard import migration_lock
from kalshi.services import health


class Command(migrate.Command):
    """Django's, by one process at a time, and never with a version that is older than the database."""

    def execute(self, *args: Any, **options: Any) -> Any:
        with migration_lock.held(connections[options.get("database") or DEFAULT_DB_ALIAS]):
            newer = health.newer_database()
            if newer:
                raise CommandError(f"{newer} {health.NEWER_REMEDY}")
            return super().execute(*args, **options)
