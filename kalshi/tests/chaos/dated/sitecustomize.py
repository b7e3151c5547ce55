"""Python imports this before anything else when the folder is on PYTHONPATH: a `time.sleep` for use under faketime.

libfaketime 0.9.10 takes the moment of the monotonic clock until which Python sleeps for one of the wall clock: each
sleep fails with EINVAL, or never ends. Its `select` is right.
"""

import select
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select((), (), (), seconds)


time.sleep = _sleep
