"""uvicorn's supervisor, with a stop that keeps its time.

What it does as it is: starts the workers, replaces one that died, on SIGHUP brings each replacement up before it
retires the old one, and gives up when one cannot start. What it does not: it looks at signals twice a second and not
at all while it waits for a worker, waits for workers without a limit, keeps listening meanwhile, and ends with code 0
after a failed start.
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from types import FrameType

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from kalshi.server.stopping import LAST_RESORT_S


class Supervisor(Multiprocess):
    """Make and run it in the main thread. reload_on_hangup: else SIGHUP ends it."""

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], *, reload_on_hangup: bool
    ) -> None:
        super().__init__(config, sockets)
        self.ended_by = 0
        self._told, self._tell = os.pipe()
        ends = [signal.SIGTERM, signal.SIGINT] + ([] if reload_on_hangup else [signal.SIGHUP])
        for number in ends:
            signal.signal(number, self._on_end)
        for number in (signal.SIGTTIN, signal.SIGTTOU):
            # They would change the number of workers, which set-up has checked.
            signal.signal(number, signal.SIG_IGN)
        threading.Thread(target=self._end, name="supervisor-end", daemon=True).start()

    @property
    def failed(self) -> bool:
        """Whether a worker could not start, and everything was ended for it."""
        return not self.ended_by and any(process.exitcode == STARTUP_FAILURE for process in self.processes)

    def keep_subprocess_alive(self) -> None:
        for process in self.processes:
            # The worker has its own copy. With ours open, the supervisor would wait for an answer of a worker that has
            # just died until the health check's time is over.
            process.child_conn.close()
        super().keep_subprocess_alive()

    def terminate_all(self) -> None:
        # Each worker closes its own; with ours open, the system would take connections that nobody answers. Not in the
        # thread below: this one may be starting a worker, to which it hands them.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()

    def _on_end(self, signum: int, frame: FrameType | None) -> None:
        # No lock may be taken here; the thread does the rest at once.
        self.ended_by = self.ended_by or signum
        os.write(self._tell, b".")

    def _end(self) -> None:
        """Tell every worker to stop, those too that a reload has just started, and kill who does not."""
        os.read(self._told, 1)
        self.should_exit.set()
        for worker in multiprocessing.active_children():
            worker.terminate()
        time.sleep(LAST_RESORT_S)
        for worker in multiprocessing.active_children():
            worker.kill()
