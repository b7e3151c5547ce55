"""Passwords are hashed a few at a time: each takes half a second of a processor, and anybody may have one tried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from kalshi.errors import TooManyRequests
from kalshi.services.read import release_database

AT_ONCE = 2
WAITING = 16
WAIT_S = 10.0


class Turns:
    """At most at_once callers; as many as `waiting` wait for one of them to end, each for wait_s. Thread-safe."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING, wait_s: float = WAIT_S) -> None:
        self._running = BoundedSemaphore(at_once)
        self._places = BoundedSemaphore(at_once + waiting)
        self._wait_s = wait_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises TooManyRequests."""
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._running.acquire(blocking=False):
                release_database()
                if not self._running.acquire(timeout=self._wait_s):
                    raise _busy()
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()


def _busy() -> TooManyRequests:
    return TooManyRequests("Too many passwords are being checked; try again in a moment.", retry_after_s=5)


turns = Turns()


class FewAtOnce(PBKDF2PasswordHasher):
    """Django's own, with its hashes. `encode` raises TooManyRequests."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turns.turn():
            encoded: str = super().encode(password, salt, iterations)
        return encoded
