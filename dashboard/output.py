"""What a program prints, when whoever reads it has gone: `audit | head` ends as other tools do, without a word."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

READER_GONE = 141
"""128 and the number of SIGPIPE, of which other tools die. Ours must not: a lost caller or Redis would send it too."""


@contextmanager
def ends_with_its_reader() -> Iterator[None]:
    """Around a whole program. Output that cannot be written otherwise is one sentence; another failure stays itself."""
    try:
        yield
    except BrokenPipeError:
        if not _reader_is_gone():  # it was another pipe, or a connection
            raise
        _drop_the_rest()
        sys.exit(READER_GONE)
    except BaseException:
        _write_the_rest()
        raise
    problem = _write_the_rest()
    if isinstance(problem, BrokenPipeError):
        sys.exit(READER_GONE)
    if problem:
        sys.exit(f"error: The output cannot be written ({problem.strerror}).")


def _write_the_rest() -> OSError | None:
    """Why it could not be. The interpreter would do it at its end, where nobody can catch a failure."""
    try:
        if sys.stdout:  # there is none where it was closed before the start
            sys.stdout.flush()
    except OSError as problem:
        _drop_the_rest()
        return problem
    return None


def _reader_is_gone() -> bool:
    looked = select.poll()
    looked.register(sys.stdout.fileno(), 0)  # these two are always told
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in looked.poll(0))


def _drop_the_rest() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
