"""What is wrong with the database, for a person who runs a command. Pure.

The drivers' own words are left out: they may hold the address, with the user's name.
"""

import sqlite3

from django.db import Error

NOT_MIGRATED = "lacks tables or columns of this version; run: .venv/bin/python manage.py migrate"
FULL = "cannot be written: its disk is full; make room and try again."
READ_ONLY = "cannot be written: it is read-only; let this user write to it, or name another."
LOCKED = "is kept locked by another process; try again when that one is done."
DAMAGED = "is damaged, or no database; restore it from a backup."
NOT_LET_IN = "does not let us in; correct user, password and name in DATABASE_URL."

_OF_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; is its folder there, and may this user write to it?",
    sqlite3.SQLITE_IOERR: "cannot be read or written; look at its disk and at the limits of this user.",
}
# By SQLSTATE, the whole or its class.
_OF_POSTGRES = {
    "42P01": NOT_MIGRATED,
    "42703": NOT_MIGRATED,
    "53100": FULL,
    "25006": READ_ONLY,
    "55P03": LOCKED,
    "28": NOT_LET_IN,
    "3D": NOT_LET_IN,
    "42501": NOT_LET_IN,
}


def sentence(problem: BaseException) -> str | None:
    """None for an error that is no fault of the database: a bug, or a rule that was broken."""
    if not isinstance(problem, Error):
        return None
    cause = problem.__cause__
    if isinstance(cause, sqlite3.Error):
        words = _of_sqlite(cause)
    else:
        state = getattr(cause, "sqlstate", None) or ""  # psycopg's, which is not there without PostgreSQL
        words = _OF_POSTGRES.get(state) or _OF_POSTGRES.get(state[:2])
    if words is None and type(problem).__name__ in {"OperationalError", "InterfaceError"}:
        words = f"does not answer ({type(problem).__name__}); start it, or correct DATABASE_URL."
    return words and f"The database {words}"


def _of_sqlite(cause: sqlite3.Error) -> str | None:
    if str(cause).startswith(("no such table", "no such column")) or " has no column named " in str(cause):
        return NOT_MIGRATED
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else _OF_SQLITE.get(code & 0xFF)
