"""Files of our own that nobody else may read, change or have put there: opened once, and judged by what was opened."""

import errno
import os
import stat
from io import FileIO
from pathlib import Path

PRIVATE = 0o600


class NotOurs(OSError):
    """Something else stands in the place of the file; `strerror` says what."""


def open_private(path: Path) -> FileIO:
    """Open for reading and writing, made when missing; its mode becomes 600. No link is followed.

    Raises OSError, NotOurs among them.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE)
    except OSError as problem:
        if problem.errno in {errno.ELOOP, errno.EMLINK}:
            raise NotOurs(problem.errno, "a link stands in its place", str(path)) from None
        raise
    fault = fault_of(os.fstat(descriptor))
    try:
        if fault is None:
            make_private(descriptor)
            return FileIO(descriptor, "r+b")
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    raise NotOurs(errno.EPERM, fault, str(path))


def make_private(descriptor: int) -> bool:
    """Take away what group and others may do with an open file. Whether they might. Raises OSError."""
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if mode & 0o077:
        os.fchmod(descriptor, mode & ~0o077)
    return bool(mode & 0o077)


def fault_of(found: os.stat_result) -> str | None:
    """Why a file is not to be trusted, whoever may read it; None when it is ours."""
    if stat.S_ISLNK(found.st_mode):
        return "a link stands in its place"
    if not stat.S_ISREG(found.st_mode):
        return "it is no regular file"
    if found.st_uid not in {os.geteuid(), 0}:
        return f"it belongs to another user (number {found.st_uid})"
    return None
