"""The body of an answer, whole before its first byte is sent: in memory while it is small and there is room, else on
the disk, or in the file that the application opened.

A thread fills it, the event loop reads it. So no thread waits for a client, and what slow readers make this process
keep is bounded in bytes.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from kalshi.server.shared_files import SharedFile, SharedFiles

CHUNK_BYTES = 64 * 1024
IN_MEMORY_BYTES = 1024 * 1024
"""Of one answer; the rest goes to the disk."""
ANSWER_BYTES = 256 * 1024 * 1024
ALL_IN_MEMORY_BYTES = 64 * 1024 * 1024
ALL_ON_DISK_BYTES = 1024 * 1024 * 1024
ALL_ON_DISK = 4_096
"""Answers, each of which is an open file."""
SHARES = 4
"""One caller, or the strangers of one address, may take one of so many parts: slow readers must not cost others their
answers.
"""


class NotKept(Exception):
    """The answer is larger than ANSWER_BYTES, or with it all answers are larger together than they may be."""


class OverShare(NotKept):
    """There would be room, but its caller has a share of it already."""


class NoDisk(NotKept):
    """The disk that is there for it did not take the answer: it is full, or no file can be made. Its cause says so."""


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    """What fails within is the disk's doing, not the application's."""
    try:
        yield
    except OSError as problem:
        raise NoDisk from problem


class Room:
    """Bytes, or files, that all answers together may take, and one holder's no more than a share. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._share = most // SHARES
        self._by_holder: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        return self._left

    def take(self, count: int, holder: str) -> bool:
        with self._lock:
            if count > min(self._left, self._share - self._by_holder[holder]):
                return False
            self._left -= count
            self._by_holder[holder] += count
            return True

    def refusal(self, count: int) -> NotKept:
        """Why so much was not given."""
        return OverShare() if count <= self._left else NotKept()

    def give_back(self, count: int, holder: str) -> None:
        with self._lock:
            self._left += count
            self._by_holder[holder] -= count
            if not self._by_holder[holder]:
                del self._by_holder[holder]


class Rooms:
    """What the answers of a process share: memory and disk in bytes, and how many may be on the disk."""

    def __init__(
        self, memory: int = ALL_IN_MEMORY_BYTES, disk: int = ALL_ON_DISK_BYTES, answers: int = ALL_ON_DISK
    ) -> None:
        self.memory = Room(memory)
        self.disk = Room(disk)
        self.answers = Room(answers)
        self.files = SharedFiles()


class FileWrapper:
    """`wsgi.file_wrapper`: marks an answer that is a file, see `Body.take_file`."""

    def __init__(self, file: BinaryIO, block_size: int = CHUNK_BYTES) -> None:
        self.file = file
        self._block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        while block := self.file.read(self._block_size):
            yield block

    def close(self) -> None:
        """What the application made of it: Django closes its whole answer here."""
        self.file.close()


class Body:
    """size: bytes to send; holder: whose share it takes, to be set before anything is written. Written and finished by
    one thread, then read by the event loop, and closed once.
    """

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._chunks: list[bytes] = []
        self._in_memory = self._on_disk = 0
        self._has_place = False  # among the answers on the disk
        self._file: BinaryIO | None = None
        self._shared: SharedFile | None = None
        self._start = 0
        self.size = 0
        self.holder = "-"

    def write(self, chunk: bytes) -> None:
        """Raises NotKept."""
        if self.size + len(chunk) > ANSWER_BYTES:
            raise NotKept
        if self._file is None and self._keep(chunk):
            return
        if self._file is None:
            self._go_to_disk()
        self._spool(chunk)

    def take_file(self, wrapper: FileWrapper) -> None:
        """Send an open file from where it stands. The file may be closed right after.

        A plain file of any size is read by the event loop, piece by piece; all else is read here. Raises
        NotKept.
        """
        file = wrapper.file
        if isinstance(file, io.BufferedReader) and isinstance(file.raw, io.FileIO):
            start, end = file.tell(), os.fstat(file.fileno()).st_size
            if end - start > CHUNK_BYTES:
                with _disk():
                    self._shared = self._rooms.files.hold(file.fileno())
                self._start, self.size = start, end - start
                return
        for block in wrapper:
            self.write(block)

    def finish(self) -> None:
        """Nothing is written any more. Raises NoDisk."""
        self._chunks = [b"".join(self._chunks)]
        if self._on_disk and self._file is not None:
            with _disk():
                self._file.flush()

    def read(self, offset: int) -> bytes:
        """The next piece, of CHUNK_BYTES at most; empty at the end, or where a file has become shorter meanwhile."""
        count = min(CHUNK_BYTES, self.size - offset)
        if self._shared is not None:
            return os.pread(self._shared.descriptor, count, self._start + offset)
        if self._file is not None:
            return os.pread(self._file.fileno(), count, offset)
        whole = self._chunks[0]
        return whole if count == len(whole) else whole[offset : offset + count]

    def close(self) -> None:
        """Give back what it takes."""
        self._chunks.clear()
        if self._shared is not None:
            self._rooms.files.let_go(self._shared)
            self._shared = None
        if self._file is not None:
            # It writes what it still has, which a full disk refuses once more; closed it is all the same.
            with contextlib.suppress(OSError):
                self._file.close()
        self._rooms.memory.give_back(self._in_memory, self.holder)
        self._rooms.disk.give_back(self._on_disk, self.holder)
        self._rooms.answers.give_back(self._has_place, self.holder)
        self._in_memory = self._on_disk = 0
        self._has_place = False

    def _keep(self, chunk: bytes) -> bool:
        """Whether memory has room for it."""
        if self.size + len(chunk) > IN_MEMORY_BYTES or not self._rooms.memory.take(len(chunk), self.holder):
            return False
        self._in_memory += len(chunk)
        self.size += len(chunk)
        self._chunks.append(chunk)
        return True

    def _go_to_disk(self) -> None:
        self._has_place = self._rooms.answers.take(1, self.holder)
        if not self._has_place:
            raise self._rooms.answers.refusal(1)
        with _disk():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        kept, self.size = b"".join(self._chunks), 0
        self._chunks.clear()
        self._rooms.memory.give_back(self._in_memory, self.holder)
        self._in_memory = 0
        self._spool(kept)

    def _spool(self, chunk: bytes) -> None:
        if not self._rooms.disk.take(len(chunk), self.holder):
            raise self._rooms.disk.refusal(len(chunk))
        self._on_disk += len(chunk)
        self.size += len(chunk)
        if self._file is not None:
            with _disk():
                self._file.write(chunk)
