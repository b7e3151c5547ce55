"""Ask Kalshi one question, as well as it can be asked: within the budget, signed, retried, explained.

Knows no operation by name. The order of one attempt: the gate admits (budget, breaker), the transport signs
and asks, the gate hears how it went, a refused time is corrected. Nothing is cached here, and the body is not touched.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kalshi.errors import (
    BreakerOpen,
    KalshiError,
    NoCredentials,
    TimestampExpired,
    UnexpectedPayload,
    to_keep,
)
from kalshi.upstream import documents
from kalshi.upstream.clock import ExchangeClock, Timing
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import Endpoint
from kalshi.upstream.error_bodies import error_of, error_under_200, is_error
from kalshi.upstream.params import Call
from kalshi.upstream.retry import BACKGROUND, FOREGROUND, RetryPolicy, attempt_deadline_s, delay_s
from kalshi.upstream.signing import Signer, signature_headers
from kalshi.upstream.transport import RawResponse, Transport

log = logging.getLogger("kalshi.upstream")


class Gate(Protocol):
    """Guards the way up: the account's rate budget and the breakers."""

    def admit(
        self, endpoint: Endpoint, *, charged: bool, background: bool, max_wait_s: float, caller: str
    ) -> None:
        """Let one attempt of `caller` pass, after at most `max_wait_s`. Raises RateLimited or BreakerOpen."""
        ...

    def report(
        self, endpoint: Endpoint, error: KalshiError | None, latency_s: float, *, drifted: bool = False
    ) -> None:
        """Hear how an admitted attempt went; called exactly once for each. `drifted`: data, but of another shape."""
        ...


@dataclass(frozen=True)
class Fetched:
    """A good answer: a JSON object, its bytes as received. `headers`: lower-case names. `drifted`: it lacks the key
    that the operation promises; Kalshi does rename keys.
    """

    body: bytes
    status: int
    headers: Mapping[str, str]
    drifted: bool = False


class Client:
    """Fetches calls. Safe to share between threads."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials | None,
        gate: Gate,
        clock: ExchangeClock,
        *,
        timeout_s: float = 15.0,
        foreground: RetryPolicy = FOREGROUND,
        background: RetryPolicy = BACKGROUND,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._gate = gate
        self._clock = clock
        self._timeout_s = timeout_s
        self._policies = {False: foreground, True: background}
        self._sleep = sleep
        self._monotonic = monotonic
        self._chance = chance

    def fetch(self, call: Call, *, background: bool = False, request_id: str, caller: str = "") -> Fetched:
        """The answer to `call`, or an error of the tree. `background`: nobody waits; there is more patience.
        `caller`: for whom; "": this process itself.

        Public operations are signed too when there are credentials: unsigned ones have a small limit per
        address. Raises NoCredentials before anything is sent when a signed operation cannot be signed.
        """
        if call.endpoint.signed and self._credentials is None and not self._transport.signs_itself:
            raise NoCredentials("No Kalshi credentials are configured, and this operation needs them.")
        policy = self._policies[background]
        started = self._monotonic()
        retries = 0
        timing = Timing(self._clock)
        failure: Exception | None = None
        while True:
            try:
                deadline_s = self._admitted(
                    call.endpoint, policy, started, background=background, caller=caller
                )
            except BreakerOpen:
                if failure is None:
                    raise
                raise to_keep(failure) from None  # what really happened says more
            try:
                attempt = 1 + retries + timing.corrections
                fetched = self._attempt(call, deadline_s, request_id, timing.offset_s, attempt=attempt)
            except TimestampExpired as refusal:
                if self._signer(timing.offset_s) is None or not timing.correct(refusal.offset_s):
                    raise
                continue
            except KalshiError as error:
                elapsed_s = self._monotonic() - started
                wait_s = delay_s(policy, retries, elapsed_s, self._chance()) if error.retryable else None
                if wait_s is None:
                    raise
                failure = to_keep(error)
            else:
                timing.accepted()
                return fetched
            retries += 1
            self._sleep(wait_s)

    def _admitted(
        self, endpoint: Endpoint, policy: RetryPolicy, started: float, *, background: bool, caller: str
    ) -> float:
        """Wait at the gate for one attempt; how many seconds it may then take."""
        max_wait_s = max(0.0, min(policy.admit_s, policy.total_s - (self._monotonic() - started)))
        charged = self._credentials is not None or self._transport.signs_itself
        self._gate.admit(
            endpoint, charged=charged, background=background, max_wait_s=max_wait_s, caller=caller
        )
        return attempt_deadline_s(policy, self._timeout_s, self._monotonic() - started)

    def _attempt(
        self, call: Call, deadline_s: float, request_id: str, offset_s: float, *, attempt: int
    ) -> Fetched:
        """One admitted question. Reports to the gate and the log whatever happens."""
        began = self._monotonic()
        status: int | None = None

        def ended(error: KalshiError | None, *, drifted: bool = False) -> None:
            took_s = self._monotonic() - began
            self._gate.report(call.endpoint, error, took_s, drifted=drifted)
            _log_attempt(call, request_id, attempt, status=status, error=error, took_s=took_s)

        # No name here may hold the error: its traceback holds this frame, and so the body, until a full collection.
        try:
            raw = self._transport.get(
                call.path,
                call.params,
                sign=self._signer(offset_s),
                deadline_s=deadline_s,
                request_id=request_id,
            )
            status = raw.status
            fetched = self._judged(call.endpoint, raw, self._monotonic() - began)
        except KalshiError as error:
            ended(error)
            raise
        except BaseException:
            ended(KalshiError("An internal error while asking Kalshi."))
            raise
        ended(None, drifted=fetched.drifted)
        return fetched

    def _judged(self, endpoint: Endpoint, raw: RawResponse, took_s: float) -> Fetched:
        """The answer when it is good data, else the error it stands for."""
        secrets = [*raw.secrets, self._credentials.key_id if self._credentials else ""]
        error = None if raw.status == 200 else error_of(raw.status, raw.headers, raw.body, secrets=secrets)
        if isinstance(error, TimestampExpired):
            error.offset_s = self._clock.told_s(raw.headers, took_s)
        if error is not None:
            raise to_keep(error)
        body = raw.body or b""
        content = _json_object(body)
        drifted = endpoint.promises not in content
        if drifted and is_error(content):
            raise error_under_200(body, secrets=secrets)
        if drifted and endpoint.keeps_promise:
            log.warning("%s has drifted: it has no %s", endpoint.operation, endpoint.promises)
        return Fetched(body, raw.status, raw.headers, drifted and endpoint.keeps_promise)

    def _signer(self, offset_s: float) -> Signer | None:
        """Signs with the time of the moment it is called, so that waiting before costs no validity."""
        credentials = self._credentials
        if credentials is None or self._transport.signs_itself:
            return None
        return lambda method, path: signature_headers(credentials, method, path, self._clock.ts_ms(offset_s))


def _json_object(body: bytes) -> dict[str, object]:
    """The body's top: UnexpectedPayload unless it is a JSON object in UTF-8 that browsers can read too."""
    try:
        content = documents.parse(body)
    except ValueError as fault:
        raise UnexpectedPayload(f"Kalshi's answer cannot be read: {fault}.", upstream_status=200) from None
    if not isinstance(content, dict):
        raise UnexpectedPayload("Kalshi's answer is JSON, but no object.", upstream_status=200)
    return content


def _log_attempt(
    call: Call, request_id: str, attempt: int, *, status: int | None, error: KalshiError | None, took_s: float
) -> None:
    ms = round(took_s * 1000)
    outcome = "ok" if error is None else type(error).__name__
    log.log(
        logging.INFO if error is None else logging.WARNING,
        "%s %s in %d ms (attempt %d, request %s)",
        call.endpoint.operation,
        outcome,
        ms,
        attempt,
        request_id,
        extra={
            "request_id": request_id,
            "operation": call.endpoint.operation,
            "upstream_status": status,
            "outcome": outcome,
            "ms": ms,
            "attempt": attempt,
        },
    )
