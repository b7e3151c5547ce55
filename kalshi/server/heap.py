"""glibc's heap in a server process: what was freed goes back to the system.

Left to itself it keeps what was once large: after one freed body of 31 MiB it takes the next ones out of its heap,
where small things settle between them, and gives back only what lies at the heap's end, beyond 62 MiB. And it gives
each thread a heap of its own. After a flood of large bodies that came to a gigabyte, with 300 MB in use.
"""

import ctypes

LARGE_BYTES = 2**20
"""From here on a new block is a mapping of its own, which goes back at once when it is freed."""
# The numbers of mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
# Where a threshold is set, glibc no longer moves them both. Two heaps are enough: Python's threads take turns anyhow.
_OPTIONS = {_MMAP_THRESHOLD: LARGE_BYTES, _TRIM_THRESHOLD: 2 * LARGE_BYTES, _ARENA_MAX: 2}


def give_back_what_is_freed() -> None:
    """For this process, from now on. Does nothing where the system's allocator is another one."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in _OPTIONS.items():
            mallopt(option, value)
