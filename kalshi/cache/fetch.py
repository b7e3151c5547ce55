"""What the thread of a flight does: look again, get the turn among all processes, load, store."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from kalshi.cache.attempts import Attempts
from kalshi.cache.entry import Entry
from kalshi.cache.flight import Flight, How
from kalshi.cache.leases import Claim, Leases, Turn
from kalshi.cache.policy import Action, Policy, decide, stored_times
from kalshi.cache.store import Store
from kalshi.errors import KalshiError, NotFound, UpstreamTimeout, UpstreamUnavailable, to_keep

POLL_S = 0.025
FOLLOW_S = 60.0
"""Longer than any fetch. Whoever follows another process's fetch gives up after it."""
MAX_LOOKS = 5
"""An entry that changes more often while we look is no reason to look for ever."""

Load = Callable[[], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Who:
    """Whose threads and seats a fetch takes: those of an operation, in an account's lane, for a caller ("": none)."""

    pool: str
    lane: str
    caller: str


@dataclass(frozen=True, slots=True)
class Request:
    """One caller's wish; see `ReadThrough.read`. asked_at: monotonic seconds."""

    key: str
    policy: Policy
    load: Load
    who: Who
    wait_s: float
    forced: bool
    before_wait: Callable[[], None]
    asked_at: float


class Fetcher:
    """Thread-safe. clock: epoch seconds. Without Redis there is nobody to take turns with."""

    def __init__(self, store: Store, attempts: Attempts, clock: Callable[[], float]) -> None:
        self._store = store
        self._attempts = attempts
        self._clock = clock
        self._leases = None if store.link is None else Leases(store.link)
        self._closed = False

    def fetch(self, request: Request, flight: Flight) -> tuple[Entry, How, bool]:
        """(entry, how we came by it, whether it is stored). Raises what `load` raised, here or in another process;
        NotFound for a 404, after it was stored.
        """
        forced, anew, followed = request.forced, False, False
        known: bytes | None = None
        for _ in range(MAX_LOOKS):
            entry, head = self._store.look(request.key, anew=anew)
            if entry is not None and self._answers(request, entry, forced=forced):
                return entry, "elsewhere" if followed else "found", followed
            if entry is not None and followed and head != known:
                return entry, "elsewhere", True
            if self._leases is None:
                break
            known = head
            claim = Claim(request.key, token_hex(8), forced)
            turn, waited = self._turn(self._leases, claim, head, request, flight)
            followed = followed or waited
            if turn is Turn.OURS:
                return self._loaded_under(self._leases, claim, request)
            if turn is Turn.ALONE:
                break
            anew = True
            forced = forced and turn is not Turn.RECENT
        return self._loaded(request)

    def close(self) -> None:
        """Follow nobody any more, and leave what we hold to other processes."""
        self._closed = True
        if self._leases is not None:
            self._leases.close()

    def _answers(self, request: Request, entry: Entry, *, forced: bool) -> bool:
        return decide(entry, request.policy, self._clock(), forced=forced) is Action.SERVE

    def _turn(
        self, leases: Leases, claim: Claim, head: bytes, request: Request, flight: Flight
    ) -> tuple[Turn, bool]:
        """(whose turn it is, whether we waited for another process)."""
        followed = False
        while True:
            waited_s = time.monotonic() - request.asked_at
            try:
                turn = leases.claim(claim, head=head, waited_s=waited_s, now=self._clock())
            except KalshiError:
                self._attempts.started(request.key, self._clock())
                raise
            if turn is not Turn.HELD:
                return turn, followed
            if self._closed:
                raise stopping()
            if waited_s > FOLLOW_S:
                raise UpstreamTimeout("Another process has waited for Kalshi for too long.", retry_after_s=1)
            followed = True
            flight.known.set()
            time.sleep(POLL_S)

    def _loaded_under(self, leases: Leases, claim: Claim, request: Request) -> tuple[Entry, How, bool]:
        try:
            done = self._loaded(request)
        except NotFound:  # it is stored, so the others see it there
            leases.release(claim)
            raise
        except BaseException as error:
            leases.release(claim, error)
            raise
        leases.release(claim)
        return done

    def _loaded(self, request: Request) -> tuple[Entry, How, bool]:
        self._attempts.started(request.key, self._clock())
        try:
            status, body = request.load()
            gone: Exception | None = None if status != 404 else not_found(body)
        except NotFound as error:
            status, body, gone = 404, error.upstream_body, to_keep(error)
        fresh_s, keep_s = stored_times(request.policy, status)
        entry = Entry.of(request.key, status, body, fetched_at=self._clock(), fresh_s=fresh_s, keep_s=keep_s)
        stored = self._store.set(request.key, entry)
        if gone is not None:
            raise to_keep(gone)
        self._attempts.ended(request.key, None)
        return entry, "loaded", stored


def not_found(body: bytes) -> NotFound:
    return NotFound("Kalshi knows nothing by this name.", upstream_status=404, upstream_body=body)


def stopping() -> UpstreamUnavailable:
    return UpstreamUnavailable("The server is stopping.", retry_after_s=2)
