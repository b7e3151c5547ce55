"""The one way to read upstream data: look, join or start the one fetch, wait as long as it is worth, fall
back.

1. `policy.decide` looks at the cached entry. SERVE ends here.
2. REFRESH and FETCH join the flight of the key, or start one in the threads of its pool. The thread (fetch.py) looks
   again, takes its turn among all processes, loads, and stores. Nobody's leaving stops it.
3. With a copy in hand, the caller who started waits at most `patience_s`, as does one who forced; all others get the
   copy at once, and so does everybody when it is another process that fetches. Without a copy everybody waits for the
   flight, at most `wait_s`.
4. An error may be hidden behind the copy (`policy.may_serve_stale`), or it is raised to everybody on the flight.

Not done here: choosing policies, validating, retrying, headers.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from kalshi.cache.attempts import Attempts
from kalshi.cache.crew import Crew
from kalshi.cache.entry import Entry
from kalshi.cache.fetch import Fetcher, Load, Request, Who, not_found, stopping
from kalshi.cache.flight import Flight, Flights
from kalshi.cache.policy import FORCED_INTERVAL_S, Action, Policy, decide, may_serve_stale
from kalshi.cache.store import Store
from kalshi.cache.waiting import WaitingRoom
from kalshi.errors import KalshiError, ShareTaken, UpstreamTimeout, UpstreamUnavailable

MAX_WAITING = 232
"""Below the server's threads, so that some are always left for answers from the cache."""
THREADS_PER_POOL = 16
CLOSE_GRACE_S = 3.0

Kind = Literal["hit", "miss", "collapsed", "refreshed", "forced", "stale"]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """kind: hit (from the cache), miss (fetched, nothing was cached), collapsed (another caller's fetch),
    refreshed (fetched, the copy was old), forced (fetched because the caller said no-cache), stale (the
    copy, in place of a fetch that is not done or failed; `detail` says "refreshing" or the error's code). A
    forced caller's copy may still be fresh. stored: the fetched entry is in the cache.
    """

    entry: Entry
    kind: Kind
    stored: bool = False
    detail: str | None = None


def _nothing(*_: object) -> None:
    pass


class ReadThrough:
    """One per process. Thread-safe. clock: epoch seconds, for ages only; waiting uses real time. room: the seats of all
    who wait, also for what is made of answers.

    on_outcome: called after every read with the pool and the answer's kind or the error's code; must be quick.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        max_waiting: int = MAX_WAITING,
        on_outcome: Callable[[str, str], None] = _nothing,
    ) -> None:
        self._store = store
        self.hot: Callable[[str], Entry | None] = store.hot
        """What is cached, however old, when memory can tell; never waits, so the event loop may ask.

        The same object each time, for as long as the entry is the same.
        """
        self._clock = clock
        self.room = WaitingRoom(max_waiting)
        self._max_jobs = max_waiting
        self._flights = Flights()
        self._attempts = Attempts()
        self._fetcher = Fetcher(store, self._attempts, clock)
        self._on_outcome = on_outcome
        self._crews: dict[str, Crew] = {}
        self._lock = threading.Lock()
        self._closed = False

    def read(
        self,
        key: str,
        policy: Policy,
        load: Load,
        *,
        pool: str,
        wait_s: float,
        lane: str = "",
        caller: str = "",
        forced: bool = False,
        before_wait: Callable[[], None] = _nothing,
    ) -> Answer:
        """The answer for `key`, of status 200.

        load: asks upstream and returns (status, body), 200 or 404; runs in a thread of `pool` and must not
        read the same key. lane: gives the pool threads and seats of their own, so that what hangs in one lane leaves
        the others alone. caller: who asks, and has a share of threads and seats; "": this process itself. wait_s: the
        longest wait. before_wait: called just before this thread blocks.
        Raises what load raised where no copy may hide it (bugs included), NotFound with its body for a 404
        (also for one cached within the last 10 s), UpstreamTimeout after wait_s, ShareTaken at once when the caller
        waits for too much already, and UpstreamUnavailable when all together do or the server is stopping.
        """
        try:
            entry, now = self._store.get(key), self._clock()
            forced = forced and self._may_force(key, now)
            action = decide(entry, policy, now, forced=forced)
            if action is Action.SERVE and entry is not None:
                answer = Answer(_found(entry), "hit")
            else:
                asked_at = time.monotonic()
                who = Who(pool, lane, caller)
                request = Request(key, policy, load, who, wait_s, forced, before_wait, asked_at)
                answer = self._fetched(request, entry if action is Action.REFRESH else None)
        except BaseException as error:
            self._on_outcome(pool, _code(error))
            raise
        self._on_outcome(pool, answer.kind)
        return answer

    def peek(self, key: str) -> Entry | None:
        """What is cached, however old, without any fetch."""
        return self._store.get(key)

    def refreshing(self, key: str) -> bool:
        """Whether a fetch of this key is in the air, as far as this process knows; never waits."""
        return key in self._flights

    @property
    def waiting(self) -> int:
        """How many callers wait for Kalshi now."""
        return self.room.taken

    def last_error(self, key: str) -> str | None:
        """Code of the error that the last fetch of this key ended with; None after a success."""
        return self._attempts.last_error(key)

    def close_lane(self, lane: str) -> None:
        """Let the threads of a lane end after the fetches they have."""
        with self._lock:
            crew = self._crews.pop(lane, None)
        if crew is not None:
            crew.close()

    def close(self, grace_s: float = CLOSE_GRACE_S) -> None:
        """Start no more fetches; give those in the air grace_s, then let everybody who waits go.

        They get their copy, or UpstreamUnavailable. Cached answers are served still.
        """
        with self._lock:
            self._closed = True
            crews = list(self._crews.values())
        deadline = time.monotonic() + grace_s
        for flight in self._flights.all():
            if not flight.landed.wait(max(0.0, deadline - time.monotonic())):
                flight.fail(stopping())
        for crew in crews:
            crew.close()
        self._fetcher.close()
        self._store.close()

    def _may_force(self, key: str, now: float) -> bool:
        return key in self._flights or not self._attempts.within(key, FORCED_INTERVAL_S, now)

    def _fetched(self, request: Request, copy: Entry | None) -> Answer:
        flight, leads = self._join(request)
        if copy is not None:
            return self._answer_with_copy(request, flight, leads=leads, copy=copy)
        return self._answer_without_copy(request, flight, leads=leads)

    def _answer_with_copy(self, request: Request, flight: Flight, *, leads: bool, copy: Entry) -> Answer:
        waits = leads or request.forced
        patience_s = min(request.policy.patience_s, request.wait_s) if waits else 0.0
        # Who did not force waits for a fetch of this process only: all others have a starter of their own.
        event = flight.landed if request.forced else flight.known
        if self._wait(request, event, patience_s) != "set" or not flight.landed.is_set():
            return Answer(copy, "stale", detail="refreshing")
        if flight.error is not None:
            if may_serve_stale(copy, request.policy, self._clock(), flight.error):
                return Answer(copy, "stale", detail=_code(flight.error))
            raise flight.raised()
        if not waits or flight.how == "found":
            return _brought(flight, "hit")
        return _brought(flight, "forced" if request.forced else "refreshed")

    def _answer_without_copy(self, request: Request, flight: Flight, *, leads: bool) -> Answer:
        outcome = self._wait(request, flight.landed, request.wait_s)
        if outcome == "share":
            raise _share_taken()
        if outcome == "full":
            raise UpstreamUnavailable("Too many callers wait for Kalshi already.", retry_after_s=1)
        if outcome == "late":
            raise UpstreamTimeout("Kalshi has not answered in time; the request goes on.", retry_after_s=1)
        if isinstance(flight.error, ShareTaken) and not leads:
            return self._fetched(request, None)  # that was the share of another caller
        if flight.error is not None:
            raise flight.raised()
        if not leads or flight.how == "elsewhere":
            return _brought(flight, "collapsed")
        return _brought(flight, "miss" if flight.how == "loaded" else "hit")

    def _wait(
        self, request: Request, event: threading.Event, seconds: float
    ) -> Literal["set", "late", "share", "full"]:
        if event.is_set():
            return "set"
        if seconds <= 0:
            return "late"
        with self.room.seat(f"{request.who.pool}@{request.who.lane}", request.who.caller) as taken:
            if taken != "taken":
                return taken
            request.before_wait()
            return "set" if event.wait(seconds) else "late"

    def _join(self, request: Request) -> tuple[Flight, bool]:
        flight, leads = self._flights.join(request.key)
        if leads:
            refusal = self._start(request, flight)
            if refusal is not None and flight.begin():
                self._flights.remove(request.key, flight)
                flight.fail(refusal)
        elif not flight.begun and request.who.caller not in flight.callers:
            # It stands among the questions of another caller, who may have many: let it have our turn too.
            self._start(request, flight)
        return flight, leads

    def _start(self, request: Request, flight: Flight) -> Exception | None:
        """Why the fetch cannot be started, or None."""
        if self._closed:
            return stopping()
        who = request.who
        try:
            taken = self._crew(who.lane).submit(who.pool, partial(self._fetch, request, flight), who.caller)
        except RuntimeError:  # the system has no thread left
            _log.exception("No thread for a fetch of %s", who.pool)
            taken = "full"
        if taken == "taken":
            flight.callers.add(who.caller)
            return None
        if taken == "share":
            return _share_taken()
        return UpstreamUnavailable("Too many requests to Kalshi are under way.", retry_after_s=1)

    def _crew(self, lane: str) -> Crew:
        with self._lock:
            if lane not in self._crews:
                self._crews[lane] = Crew(lane, threads=THREADS_PER_POOL, max_jobs=self._max_jobs)
            return self._crews[lane]

    def _fetch(self, request: Request, flight: Flight) -> None:
        """Runs in the pool, once for each flight. Whatever happens, the flight leaves the air and lands."""
        if not flight.begin():
            return
        try:
            entry, how, stored = self._fetcher.fetch(request, flight)
        except BaseException as error:  # noqa: BLE001  # the flight carries it to the callers
            if not isinstance(error, KalshiError):
                _log.exception("A fetch of %s failed by a bug of ours", request.who.pool)
            self._attempts.ended(request.key, _code(error))
            self._flights.remove(request.key, flight)
            flight.fail(error)
        else:
            self._flights.remove(request.key, flight)
            flight.bring(entry, how, stored=stored)


def _found(entry: Entry) -> Entry:
    if entry.status == 404:
        raise not_found(entry.body)
    return entry


def _brought(flight: Flight, kind: Kind) -> Answer:
    if flight.entry is None:
        raise RuntimeError("the flight landed with neither entry nor error")
    return Answer(_found(flight.entry), kind, stored=flight.stored)


def _share_taken() -> ShareTaken:
    return ShareTaken("You wait for too many answers of Kalshi's already.", retry_after_s=1)


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, KalshiError) else KalshiError.code
