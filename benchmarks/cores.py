"""Which core whom: the measured server has one, the load and the simulated exchange have another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


class Cores:
    """Children start on the core that this process is on at that moment."""

    def __init__(self) -> None:
        ours = sorted(os.sched_getaffinity(0))
        if len(ours) < 2:
            raise RuntimeError("the benchmarks need two cores: one for the server, one for the load")
        self.server_core, self.load_core = ours[:2]

    @contextlib.contextmanager
    def server(self) -> Iterator[None]:
        with self._on(self.server_core):
            yield

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        with self._on(self.load_core):
            yield

    @contextlib.contextmanager
    def _on(self, core: int) -> Iterator[None]:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)
