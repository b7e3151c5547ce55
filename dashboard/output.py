"""What a program prints, when whoever reads it has gone: `audit | head` ends as other tools do, without a word. Output
that cannot be written for another reason is one sentence.
"""

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = 141
"""128 and the number of SIGPIPE, of which other tools die. Ours must not: a lost caller or Redis would send it too."""


class OutputLostError(OSError):
    """Standard output takes nothing: its disk is full, or it was closed before the start."""


class _Output(io.FileIO):
    """Tells its own failures from those of other files."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as problem:
            raise OutputLostError(problem.errno, problem.strerror) from None


@contextmanager
def ends_with_its_reader() -> Iterator[None]:
    """Around a whole program. Output that cannot be written otherwise is one sentence; another failure stays itself."""
    _prepare()
    try:
        yield
    except BrokenPipeError:
        if not _reader_is_gone():  # it was another pipe, or a connection
            raise
        _drop_the_rest()
        sys.exit(READER_GONE)
    except OutputLostError as lost:
        _drop_the_rest()
        _end(lost)
    except BaseException:
        _write_the_rest()
        raise
    problem = _write_the_rest()
    if isinstance(problem, BrokenPipeError):
        sys.exit(READER_GONE)
    if problem:
        _end(problem)


def _prepare() -> None:
    """Where one of the two was closed before the start, Python has None for it, on which every print would fail."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - until the end
    given = sys.stdout
    # What is open for reading alone refuses what is written, as a closed one would.
    number = os.open(os.devnull, os.O_RDONLY) if given is None else given.fileno()
    raw = _Output(number, "w", closefd=False)
    if given is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw))
    elif isinstance(given, io.TextIOWrapper):
        sys.stdout = io.TextIOWrapper(
            raw if given.write_through else io.BufferedWriter(raw),
            encoding=given.encoding,
            errors=given.errors,
            line_buffering=given.line_buffering,
            write_through=given.write_through,
        )


def _end(problem: OSError) -> NoReturn:
    sys.exit(f"error: The output cannot be written ({problem.strerror}).")


def _write_the_rest() -> OSError | None:
    """Why it could not be. The interpreter would do it at its end, where nobody can catch a failure."""
    try:
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
