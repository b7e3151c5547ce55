"""Plain files that answers are sent from: each is open once, however many slow readers have it."""

from __future__ import annotations

import os
import threading


class SharedFile:
    """To be read with `os.pread` alone, since many read it at a time."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.readers = 0


class SharedFiles:
    """By the file itself, not by its name. Thread-safe."""

    def __init__(self) -> None:
        self._files: dict[tuple[int, int], SharedFile] = {}
        self._lock = threading.Lock()

    def hold(self, descriptor: int) -> SharedFile:
        """The file that this descriptor, which may be closed afterwards, has open. Raises OSError."""
        with self._lock:
            identity = _identity(descriptor)
            file = self._files.get(identity)
            if file is None:
                file = self._files[identity] = SharedFile(os.dup(descriptor))
            file.readers += 1
            return file

    def let_go(self, file: SharedFile) -> None:
        """Once for each `hold`."""
        with self._lock:
            file.readers -= 1
            if not file.readers:
                del self._files[_identity(file.descriptor)]
                os.close(file.descriptor)


def _identity(descriptor: int) -> tuple[int, int]:
    """No other file has it as long as this one is open."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
