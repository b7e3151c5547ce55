"""Is this installation able to serve? Each check is independent, and none depends on Kalshi."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from kalshi.errors import KalshiError
from kalshi.services import engine

# Nothing is ever stored under it; asking for it shows whether the cache answers.
PROBE_KEY = "kalshi:probe"


@dataclass(frozen=True, slots=True)
class Check:
    """`found`: what was seen, for a person. `remedy`: what to do about a failure, empty when fine."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


APP = "kalshi"
NEWER_REMEDY = "Run the newer version again, or restore the backup that was made before it ran."
NO_MIGRATIONS = Check("migrations", False, "the database does not answer", "Mend the database first.")


def unknown_migrations(loader: MigrationLoader) -> list[str]:
    """Names of ours that were applied to this database and are not in this code: a newer version was here."""
    replaced = {name for migration in loader.disk_migrations.values() for name in migration.replaces}
    known = loader.disk_migrations.keys() | replaced
    return sorted(name for app, name in loader.applied_migrations if app == APP and (app, name) not in known)


def newer_database() -> str | None:
    """The sentence with which an older version refuses a newer database. Raises django.db.Error."""
    unknown = unknown_migrations(MigrationLoader(connections[DEFAULT_DB_ALIAS]))
    if not unknown:
        return None
    return f"The database is of a newer version of this program: it has {unknown[-1]}, which this one does not know."


def configuration() -> Check:
    try:
        engine.current()
    except (KalshiError, ImproperlyConfigured) as problem:
        return Check("configuration", False, str(problem), "Correct the setting that is named, then restart.")
    return Check("configuration", True, "loaded")


def database() -> Check:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            # SQLite answers a statement that names no table without a look at its file.
            sqlite = connections[DEFAULT_DB_ALIAS].vendor == "sqlite"
            cursor.execute("PRAGMA schema_version" if sqlite else "SELECT 1")
    except Error as problem:
        kind = type(problem).__name__
        return Check(
            "database", False, f"not reachable ({kind})", "Start the database, or correct DATABASE_URL."
        )
    return Check("database", True, f"{connections[DEFAULT_DB_ALIAS].vendor}, answers")


def migrations() -> Check:
    try:
        applied = MigrationRecorder(connections[DEFAULT_DB_ALIAS]).applied_migrations()
        return _judged(frozenset(applied))
    except Error:
        return NO_MIGRATIONS


@lru_cache(maxsize=1)
def _judged(applied: frozenset[tuple[str, str]]) -> Check:
    """Reads all migrations' files, which takes a while and many open files: once, as long as nothing is applied."""
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    newer = unknown_migrations(executor.loader)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if newer:
        return Check("migrations", False, f"the database is of a newer version ({newer[-1]})", NEWER_REMEDY)
    if missing:
        return Check(
            "migrations", False, f"{len(missing)} not applied", "Run: .venv/bin/python manage.py migrate"
        )
    return Check("migrations", True, "all applied")


def cache() -> Check:
    try:
        store = engine.current().store
    except (KalshiError, ImproperlyConfigured):
        return Check("cache", False, "not built", "Mend the configuration first.")
    store.get(PROBE_KEY)
    if store.down:
        return Check("cache", False, "the shared cache does not answer", "Start Redis, or correct REDIS_URL.")
    return Check("cache", True, "answers")


def readiness() -> list[Check]:
    answers = database()
    # Asking a database that is away takes seconds each time.
    return [configuration(), answers, migrations() if answers.ok else NO_MIGRATIONS, cache()]
