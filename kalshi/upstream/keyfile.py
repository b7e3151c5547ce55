"""Read a key file, or say in one sentence why not.

Group and others must have no permission on it; symbolic links are followed and their target is judged. The
check and the read use one open file, so nothing can be swapped in between.
"""

import os
import stat
from pathlib import Path

from kalshi.errors import ConfigError

MAX_BYTES = 64 * 1024


def read_key_file(path: Path, *, source: str, allow_open: bool, private: bool = True) -> bytes:
    """The file's bytes. `source` names the setting and the path for messages. Raises ConfigError.

    `private` False leaves the permissions unchecked, for files without key material.
    """
    try:
        # Non-blocking, or opening a named pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ConfigError(f"{source} does not exist.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is malformed"
        raise ConfigError(f"{source} cannot be opened: {reason}.") from None
    try:
        _check(os.fstat(descriptor), source, allow_open=allow_open or not private)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{source} is larger than {MAX_BYTES // 1024} KiB and so no key file.")
    if not data.strip():
        raise ConfigError(f"{source} is empty.")
    return data


def _check(status: os.stat_result, source: str, *, allow_open: bool) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"{source} is a directory; the path of the key file itself is needed.")
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{source} is no regular file.")
    if status.st_mode & 0o077 and not allow_open:
        raise ConfigError(
            f"{source} can be opened by other users (mode {stat.S_IMODE(status.st_mode):o}); run chmod 600 on it,"
            " or set KALSHI_ALLOW_OPEN_KEY_FILE=1 if that is on purpose."
        )
