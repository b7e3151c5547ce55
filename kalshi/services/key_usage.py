"""How often and when each virtual key was used last: gathered in memory, written once a minute and at the end.

Never inside a request. Without `start` (a server that does not run our lifespan) nothing is written.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from django.db import DatabaseError, connections, transaction
from django.db.models import F, Q

from kalshi.cache.entry import CLOCK_SLACK_S
from kalshi.models import VirtualKey

EVERY_S = 60.0
MAX_KEYS = 10_000
"""Of which uses are kept between two writes; those of further keys are not counted."""

log = logging.getLogger("kalshi.keys")


class KeyUsage:
    """Thread-safe; `note` is quick enough for the event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[str, tuple[int, float]] = {}  # times, and the last of them in epoch seconds
        self._stopping = threading.Event()

    def note(self, key_id: str) -> None:
        """One request was signed with this key, and the signature was good."""
        now = time.time()
        with self._lock:
            times, _ = self._noted.get(key_id, (0, now))
            if times or len(self._noted) < MAX_KEYS:
                self._noted[key_id] = (times + 1, now)

    def start(self) -> None:
        """Write once a minute from now on."""
        self._stopping.clear()
        threading.Thread(target=self._run, name="key-usage", daemon=True).start()

    def stop(self) -> None:
        """Write what is left."""
        self._stopping.set()
        self.write()

    def write(self) -> None:
        """Add what was noted to the rows. What cannot be written is kept for the next time."""
        with self._lock:
            noted, self._noted = self._noted, {}
        try:
            with transaction.atomic():
                for key_id, (times, last) in noted.items():
                    at = datetime.fromtimestamp(last, UTC)
                    rows = VirtualKey.objects.filter(key_id=key_id)
                    rows.update(used_count=F("used_count") + times)
                    # Another process may have seen it later, but nobody in the future: the clock was set back.
                    ahead = datetime.fromtimestamp(time.time() + CLOCK_SLACK_S, UTC)
                    earlier = Q(last_used_at__lt=at) | Q(last_used_at__gt=ahead)
                    rows.filter(Q(last_used_at=None) | earlier).update(last_used_at=at)
        except DatabaseError as problem:
            log.warning("the use of virtual keys could not be written (%s)", type(problem).__name__)
            with self._lock:
                for key_id, (times, last) in noted.items():
                    more, later = self._noted.get(key_id, (0, last))
                    self._noted[key_id] = (times + more, later)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.write()
            connections.close_all()


usage = KeyUsage()
