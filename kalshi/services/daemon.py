"""State files of a trading daemon, read-only: `KALSHI_STATE_DIR/*.json`, for operators in `status`.

Bounded: the first 20 files by name, 256 KB each; what is left out is said. Values under names that sound like
credentials are masked at any depth.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any

from kalshi.upstream import documents

MAX_FILES = 20
MAX_BYTES = 256 * 1024
SECRET_NAME = re.compile(
    r"key|secret|token|passw|pem|credential|signature|authorization|cookie", re.IGNORECASE
)
MASK = "***"


def read_state(folder: Path) -> dict[str, Any]:
    """`{"files": {name: content | {"error": why}}, "left_out": int}`. Never raises for what lies in the folder."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".json" and path.is_file())
    except OSError as problem:
        return {"files": {}, "left_out": 0, "error": f"the folder cannot be read: {problem.strerror}"}
    return {
        "files": {path.name: _read(path) for path in paths[:MAX_FILES]},
        "left_out": max(0, len(paths) - MAX_FILES),
    }


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            return {"error": f"larger than {MAX_BYTES // 1024} KB"}
        return mask(documents.read(raw.removeprefix(BOM_UTF8)))  # which programs on Windows write
    except OSError as problem:
        return {"error": f"cannot be read: {problem.strerror}"}
    except ValueError:
        return {"error": "no valid JSON"}


def mask(value: Any) -> Any:
    """A copy with every value under a secret-sounding name replaced, however deep."""
    if isinstance(value, dict):
        return {name: MASK if SECRET_NAME.search(name) else mask(item) for name, item in value.items()}
    if isinstance(value, list):
        return [mask(item) for item in value]
    if isinstance(value, str) and "-----BEGIN" in value:
        return MASK
    return value
