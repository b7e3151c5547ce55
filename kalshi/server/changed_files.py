"""Files that were replaced or cut off while the server runs: they have no longer the length that the answer tells."""

from __future__ import annotations

import logging

from kalshi.byte_table import ByteTable, size_of
from kalshi.server.answering import Answer

EVERY_S = 60.0
PATHS_BYTES = 64 * 1024

log = logging.getLogger("kalshi.server")


class Changed(Exception):
    """The body has not the length that was promised. Nothing can be sent that its reader would take for whole."""


def refuse_changed(answer: Answer, method: str) -> None:
    """Raises Changed for an answer that promises another length than it has."""
    if method == "HEAD" or answer.status in {204, 304}:
        return
    promised = dict(answer.headers).get(b"content-length")
    if promised is not None and promised != b"%d" % answer.body.size:
        raise Changed


class Warnings:
    """Anybody can ask again and again: one warning for each path in EVERY_S. Used by the event loop alone."""

    def __init__(self) -> None:
        self._told: ByteTable[str, float] = ByteTable(PATHS_BYTES)

    def is_due(self, path: str, now: float) -> bool:
        """now: monotonic seconds."""
        before = self._told.get(path)
        if before is not None and now - before < EVERY_S:
            return False
        self._told.put(path, now, size_of(path, now))
        return True

    def tell(self, path: str, now: float) -> None:
        if self.is_due(path, now):
            log.warning(
                "The answer to %s has another length than its headers say; its file was changed while the server runs. "
                "Restart the server.",
                path[:200],
            )
