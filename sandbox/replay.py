"""Recorded bodies that stand in for generated ones."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Replay:
    """Files `<operation>.json`, read anew for every request so that a test can change them."""

    folder: Path

    def body(self, operation: str) -> bytes | None:
        """The bytes as they are; None when there is no file for the operation."""
        try:
            return (self.folder / f"{operation}.json").read_bytes()
        except FileNotFoundError:
            return None
