"""Django's command line, on which every fault of the surroundings ends in one sentence and exit code 1."""

import errno
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections

from dashboard import database_faults
from dashboard.output import OutputLostError
from kalshi.errors import KalshiError
from kalshi.printable import printable

CONNECT_S = 5
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


class CommandLine(ManagementUtility):
    """Whatever command is asked for, ours or Django's. `--traceback` still shows one."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        without_pool()
        command = super().fetch_command(subcommand)
        command.execute = partial(in_one_sentence, command.execute)  # type: ignore[method-assign]
        return command


def without_pool() -> None:
    """A command has one connection. The pool would go on trying while the database is away, and log each attempt."""
    database = connections.settings[DEFAULT_DB_ALIAS]
    if database["OPTIONS"].pop("pool", None):
        database["OPTIONS"].setdefault("connect_timeout", CONNECT_S)


def in_one_sentence(execute: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What the command returns. Raises CommandError in place of what the surroundings are at fault for, and
    BrokenPipeError and OutputLostError as they are: see `dashboard.output`.
    """
    try:
        return execute(*arguments, **options)
    except Exception as problem:
        # Some commands make words of it.
        pipe = problem.__context__ if isinstance(problem, CommandError) else problem
        if isinstance(pipe, (BrokenPipeError, OutputLostError)):
            for frames in (problem.__traceback__, pipe.__traceback__):
                traceback.clear_frames(
                    frames
                )  # or rows not yet printed would outlive their database, and say so
            raise pipe from None
        told = None if options.get("traceback") else sentence(problem)
        if told is None:
            raise
        raise CommandError(printable(told)) from None


def sentence(problem: BaseException) -> str | None:
    """None for a bug, and for a command's own words."""
    if isinstance(problem, CommandError):
        # Some commands wrap the driver's words into theirs.
        return database_faults.sentence(problem.__cause__ or problem.__context__ or problem)
    if isinstance(problem, KalshiError):
        return problem.message
    if isinstance(problem, OSError) and problem.errno in _NO_ROOM:
        return f"{problem.filename or 'A file'} cannot be written ({problem.strerror})."
    return database_faults.sentence(problem)
