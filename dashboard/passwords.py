"""Passwords are hashed a few at a time: each takes half a second of a processor, and anybody may have one tried.

Of the places for running and waiting nobody has more than a share: neither a person who is signed in, wherever from,
nor the strangers of one network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from kalshi.errors import TooManyRequests
from kalshi.networks import network_of
from kalshi.services.access import caller_name
from kalshi.services.audit import CALLER
from kalshi.services.read import step_aside

AT_ONCE = 2
WAITING = 16
OF_ONE = 6
WAIT_S = 10.0


class Turns:
    """At most at_once callers; as many as `waiting` wait for one of them to end, each for wait_s. of_one: as many of
    both as one holder may have. Thread-safe.
    """

    def __init__(
        self, at_once: int = AT_ONCE, waiting: int = WAITING, wait_s: float = WAIT_S, of_one: int = OF_ONE
    ) -> None:
        self._running = BoundedSemaphore(at_once)
        self._places = BoundedSemaphore(at_once + waiting)
        self._wait_s = wait_s
        self._of_one = of_one
        self._lock = Lock()
        self._held: Counter[str] = Counter()

    @contextmanager
    def turn(self, holder: str | None = None) -> Iterator[None]:
        """holder: whose share it takes; None: nobody's. Raises TooManyRequests."""
        with self._share(holder), self._place():
            yield

    @contextmanager
    def _share(self, holder: str | None) -> Iterator[None]:
        if holder is None:
            yield
            return
        with self._lock:
            if self._held[holder] >= self._of_one:
                raise _busy()
            self._held[holder] += 1
        try:
            yield
        finally:
            with self._lock:
                self._held[holder] -= 1
                if not self._held[holder]:
                    del self._held[holder]

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._running.acquire(blocking=False):
                step_aside()
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


def _holder() -> str | None:
    """None in commands and in the shell."""
    request = CALLER.get()
    if request is None:
        return None
    if request.user.is_authenticated:
        return caller_name(request.user, None)
    return network_of(request.META.get("REMOTE_ADDR", "-"))


turns = Turns()


class FewAtOnce(PBKDF2PasswordHasher):
    """Django's own, with its hashes. `encode` raises TooManyRequests."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with turns.turn(_holder()):
            encoded: str = super().encode(password, salt, iterations)
        return encoded
