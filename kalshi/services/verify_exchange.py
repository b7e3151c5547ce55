"""The verify script's questions to the exchange: clock, signature, scope, and data through the cache.

The first question goes around cache, budget and retries, so that it shows what one bare signed request does; all
later ones depend on it and are not asked when it failed. Key ids never reach the cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kalshi import conf
from kalshi.cache.readthrough import Answer
from kalshi.errors import (
    AuthRejected,
    ConfigError,
    KalshiError,
    NotFound,
    RateLimited,
    TimestampExpired,
    UnexpectedPayload,
    UpstreamError,
    UpstreamUnavailable,
)
from kalshi.services import engine, read
from kalshi.services.verify_findings import Finding, fail, masked_key_id, ok, warn
from kalshi.upstream import documents, fields, params
from kalshi.upstream.clock import server_offset_s
from kalshi.upstream.credentials import Credentials
from kalshi.upstream.endpoints import ENDPOINTS
from kalshi.upstream.error_bodies import cleaned, error_of, error_under_200, error_words, is_error
from kalshi.upstream.signing import signature_headers
from kalshi.upstream.transport import FunctionTransport, RawResponse, RequestsTransport, Transport

PROBE_DEADLINE_S = 8.0
WARN_ABOVE_S = 2.0
FAIL_ABOVE_S = 10.0
NEVER_ACCEPTED_S = 60.0
"""Kalshi refuses signatures that are this far off; when it accepts one, it is its `Date` that is false."""
RUN_SANDBOX = "Run `make run`, which starts the sandbox."
OTHER_FIELDS = "See the log; Kalshi may have changed its fields."
NO_SCOPES = "none listed, so all"
READ_ONLY_KEY = "Make a key with the scope `read` at Kalshi and use that one; nothing here needs more."


class Untested(Exception):
    """A check that could not be made, and what to do about that."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Probe:
    """One signed answer. `offset_s`: exchange time minus ours; None when the answer does not tell. `expired`: whether
    our own time was refused.
    """

    answer: RawResponse
    offset_s: float | None
    expired: bool


class Exchange:
    """Its methods are the checks; each raises Untested, or an error of the tree, instead of failing silently."""

    def __init__(self, setup: conf.Setup, *, now: Callable[[], float] = time.time) -> None:
        self._setup = setup
        self._now = now

    def clock(self) -> Finding:
        if self._setup.request_function is not None:
            return ok("clock", "not ours to set: the request function signs")
        offset_s = self._probe.offset_s
        if offset_s is None:
            return warn("clock", "the answer does not tell the exchange's time", "Compare the clock by hand.")
        direction = "behind" if offset_s > 0 else "ahead of"
        found = f"{abs(offset_s):.1f} s {direction} the exchange"
        if abs(offset_s) <= WARN_ABOVE_S:
            return ok("clock", found)
        if abs(offset_s) > NEVER_ACCEPTED_S and self._probe.answer.status == 200 and not self._probe.expired:
            said = f"accepted, though the exchange's Date says that it is {found}"
            return warn("clock", said, "Compare the clock by hand; the Date may be false.")
        judge = fail if abs(offset_s) > FAIL_ABOVE_S else warn
        return judge("clock", found, "Set this machine's clock, for example: timedatectl set-ntp true")

    def signature(self) -> Finding:
        error = self._refusal
        if error is None:
            return ok("signature", "accepted")
        if _is_known_key(error):
            return ok("signature", "accepted, though the key may not read the balance")
        return fail("signature", error.message, self.remedy(error))

    def scope(self) -> Finding:
        self._need_signature()
        call = params.validate(ENDPOINTS["get_api_keys"], [], {}, api=False)
        try:
            body = engine.current().client.fetch(call, request_id="verify").body
            listed = documents.read_object(body).get("api_keys")
        except UpstreamError as error:
            return warn(
                "scope", f"not known: {error.message}", "Look at the key's scopes on Kalshi's page of keys."
            )
        return judged_scope(listed, engine.current().credentials)

    def balance(self) -> Finding:
        return judged_balance(self._read("get_balance")[0])

    def positions(self) -> Finding:
        return judged_positions(self._read("get_positions")[0])

    def cached_call(self) -> Finding:
        self._read("get_balance")
        began = time.perf_counter()
        answer = self._read("get_balance")[1]
        ms = (time.perf_counter() - began) * 1000
        if answer.kind != "hit":
            return fail("cached call", f"not from the cache but {answer.kind}", "See the line `cache`.")
        return ok("cached call", f"from the cache in {ms:.1f} ms")

    def remedy(self, error: KalshiError) -> str:
        """What to do about an error of the tree."""
        if isinstance(error, TimestampExpired):
            return "Set this machine's clock; see the line `clock`."
        if isinstance(error, AuthRejected):
            return self._auth_remedy(error)
        if isinstance(error, RateLimited):
            return "Try again in a minute; other programs use the same budget."
        if isinstance(error, UpstreamUnavailable) and self._setup.sandbox_keys_dir is not None:
            return RUN_SANDBOX
        if isinstance(error, NotFound | UnexpectedPayload):
            return "Check KALSHI_BASE_URL: it must be Kalshi's and end in /trade-api/v2."
        if isinstance(error, UpstreamError):
            return "Check the network, the proxy and KALSHI_BASE_URL; Kalshi may be down for maintenance."
        if isinstance(error, ConfigError):
            return "Correct what it names; see the lines `settings`, `key file` and `request function`."
        return "See the message."

    def _auth_remedy(self, error: UpstreamError) -> str:
        details = error_words(error.upstream_body).details
        environment = self._setup.environment
        if error.upstream_status == 403:
            return "Give the key the scope `read`."
        if self._setup.sandbox_keys_dir is not None:
            return "Another installation's sandbox answers there; stop it, or choose another SANDBOX_PORT."
        if details.startswith("NOT_FOUND"):
            return (
                f"Check KALSHI_API_KEY_ID and KALSHI_ENV (now {environment}): a key of one environment is unknown in "
                "the other, and a deleted key must be replaced."
            )
        if details.startswith("INCORRECT_API_KEY_SIGNATURE"):
            return "Use the private key that Kalshi showed together with this key id."
        return "Make a new key at Kalshi and use its id and private key."

    @property
    def _probe(self) -> Probe:
        if isinstance(self._asked, KalshiError):
            raise self._asked
        return self._asked

    @cached_property
    def _asked(self) -> Probe | KalshiError:
        """Signed once more with the exchange's time when ours is refused, to tell a wrong clock from a wrong key."""
        try:
            probe = self._ask(offset_s=0.0)
            if probe.expired and probe.offset_s is not None:
                return replace(self._ask(offset_s=probe.offset_s), offset_s=probe.offset_s, expired=True)
        except KalshiError as error:
            return error
        return probe

    @cached_property
    def _refusal(self) -> UpstreamError | None:
        """Why the probe brought no data; None when it did."""
        answer = self._probe.answer
        credentials = engine.load_credentials(self._setup)
        secrets = [*answer.secrets, credentials.key_id if credentials else ""]
        if answer.status != 200:
            return error_of(answer.status, answer.headers, answer.body, secrets=secrets)
        body = answer.body or b""
        try:
            content = documents.read_object(body)
        except UnexpectedPayload as error:
            return error
        if ENDPOINTS["get_balance"].promises not in content and is_error(content):
            return error_under_200(body, secrets=secrets)
        return None

    def _ask(self, *, offset_s: float) -> Probe:
        transport, credentials = self._transport(), engine.load_credentials(self._setup)
        if credentials is None and not transport.signs_itself:
            raise Untested("there is no key to sign with", "See the line `key file`.")

        def sign(method: str, path: str) -> dict[str, str]:
            assert credentials is not None  # noqa: S101 - only a transport that does not sign itself calls this
            return signature_headers(credentials, method, path, round((self._now() + offset_s) * 1000))

        began = time.monotonic()
        path = ENDPOINTS["get_balance"].path
        answer = transport.get(path, (), sign=sign, deadline_s=PROBE_DEADLINE_S, request_id="verify")
        words = error_words(answer.body or b"")
        expired = answer.status == 401 and words.code.startswith("header_timestamp_expired")
        told_s = server_offset_s(answer.headers, self._now(), time.monotonic() - began)
        return Probe(answer, told_s, expired)

    def _transport(self) -> Transport:
        if self._setup.request_function is not None:
            return FunctionTransport.from_path(self._setup.request_function)
        return RequestsTransport(self._setup.base_url, environ=self._setup.network)

    def _need_signature(self) -> None:
        try:
            refusal = self._refusal
        except KalshiError as error:
            raise Untested("the exchange could not be asked", "See the line `signature`.") from error
        if refusal is not None and not _is_known_key(refusal):
            raise Untested("no signed request succeeds", "See the line `signature`.")

    def _read(self, operation: str) -> tuple[dict[str, Any], Answer]:
        """The body and how it came, through the cache as every caller gets it."""
        self._need_signature()
        call = params.validate(ENDPOINTS[operation], [], {}, api=True)
        answer = read.read(call).answer
        return documents.read_object(answer.entry.body), answer


def _is_known_key(error: KalshiError) -> bool:
    """Whether the exchange itself knows the key and refuses only this question; a 403 of others says nothing of it."""
    return isinstance(error, AuthRejected) and error.upstream_status == 403


def judged_balance(body: dict[str, Any]) -> Finding:
    """body: an answer of get_balance."""
    cash = fields.dollars(body.get("balance_dollars"))
    cash = fields.cents(body.get("balance")) if cash is None else cash
    if cash is None:
        return warn("balance", "the answer holds no amount", OTHER_FIELDS)
    return ok("balance", f"${cash:,}")


def judged_positions(body: dict[str, Any]) -> Finding:
    """body: an answer of get_positions, which lists sold-out markets too; 0 contracts are no open position."""
    rows = body.get("market_positions")
    if not isinstance(rows, list):
        return warn("positions", "the answer holds no list", OTHER_FIELDS)
    held = [fields.count(row.get("position_fp")) if isinstance(row, dict) else None for row in rows]
    if unknown := held.count(None):
        return warn("positions", f"{unknown} of {len(rows)} have no number of contracts", OTHER_FIELDS)
    more = ", and more on further pages" if body.get("cursor") else ""
    return ok("positions", f"{len([number for number in held if number])} markets{more}")


def judged_scope(listed: Any, credentials: Credentials | None) -> Finding:
    """`listed`: Kalshi's list of the account's keys. Without credentials all of them may be the one in use."""
    keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    if credentials is not None:
        keys = [key for key in keys if key.get("api_key_id") == credentials.key_id]
    if not keys:
        return warn(
            "scope", "the key is not in Kalshi's list", "Look at the key's scopes on Kalshi's page of keys."
        )
    found_scopes = [key.get("scopes") or [NO_SCOPES] for key in keys]
    if not all(isinstance(each, list) and all(isinstance(one, str) for one in each) for each in found_scopes):
        return warn("scope", "the scopes in Kalshi's list cannot be read", OTHER_FIELDS)
    scopes = sorted({scope for each in found_scopes for scope in each})
    whose = (
        f"key {masked_key_id(credentials.key_id)}" if credentials else f"all {len(keys)} keys of the account"
    )
    found = f"{cleaned(', '.join(scopes))} ({whose})"
    if any(scope.startswith(("write", NO_SCOPES)) for scope in scopes):
        return warn("scope", f"can write: {found}", READ_ONLY_KEY)
    return ok("scope", found)
