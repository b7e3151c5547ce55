"""Triggers that refuse to change or remove rows of the audit log, for whoever goes around the ORM.

SQLite and PostgreSQL; on other databases only the ORM refuses. SQLite loses the triggers of a table that a migration
makes anew: a migration that alters AuditEvent must end with `install`.
"""

from __future__ import annotations

from typing import Any

TABLE = "kalshi_auditevent"
MESSAGE = "the audit log is append-only"

_SQLITE = {
    f"{TABLE}_no_{verb.lower()}": (
        f"CREATE TRIGGER IF NOT EXISTS {TABLE}_no_{verb.lower()} BEFORE {verb} ON {TABLE} "
        f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    )
    for verb in ("UPDATE", "DELETE")
}
_POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$",
    f"DROP TRIGGER IF EXISTS {TABLE}_append_only ON {TABLE}",
    f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_refuse()",
)


def install(connection: Any) -> None:
    """Make the triggers; those that are there stay."""
    statements = {"sqlite": tuple(_SQLITE.values()), "postgresql": _POSTGRESQL}.get(connection.vendor, ())
    _run(connection, statements)


def remove(connection: Any) -> None:
    """Take the triggers away: to undo the migration, and for test databases, which are emptied."""
    statements = {
        "sqlite": tuple(f"DROP TRIGGER IF EXISTS {name}" for name in _SQLITE),
        "postgresql": (
            f"DROP TRIGGER IF EXISTS {TABLE}_append_only ON {TABLE}",
            f"DROP FUNCTION IF EXISTS {TABLE}_refuse()",
        ),
    }.get(connection.vendor, ())
    _run(connection, statements)


def _run(connection: Any, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
