"""Python imports this before anything else when the folder is on PYTHONPATH: `time.time` plus what CLOCK_OFFSET holds.

CLOCK_OFFSET names a file with seconds. `datetime.now`, which the cache, the budget and the signatures do not use,
stays as it is, and so does the monotonic clock.
"""

import os
import time
from pathlib import Path

_real, _real_ns = time.time, time.time_ns
_file = Path(os.environ["CLOCK_OFFSET"])
_LOOK_EVERY_S = 0.05
_read_at = 0.0
_offset_s = 0


def _offset() -> int:
    global _read_at, _offset_s
    now = time.monotonic()
    if now - _read_at > _LOOK_EVERY_S:
        _read_at, _offset_s = now, int(_file.read_text())
    return _offset_s


def _time() -> float:
    return _real() + _offset()


def _time_ns() -> int:
    return _real_ns() + _offset() * 1_000_000_000


time.time, time.time_ns = _time, _time_ns
