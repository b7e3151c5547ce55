"""The HTTP front of the exchange: arrival, fault, signature, budget, parameters, body."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.account.style import FIRST
from sandbox.auth import authenticate
from sandbox.budget import TIERS, TokenBucket
from sandbox.clock import Clock
from sandbox.control import control
from sandbox.delivery import NO_STORE, deliver
from sandbox.errors import ApiError, coded, not_found
from sandbox.exchange import Exchange
from sandbox.faults import FaultSwitch
from sandbox.keys import ApiKey, ApiKeys
from sandbox.operations import Operation, find
from sandbox.params import Args, check
from sandbox.replay import Replay
from sandbox.stats import Stats

BODIES_KEPT = 500
API = "/trade-api/"


@dataclass(slots=True)
class Front:
    """One listening exchange; `buckets` by account; `bodies` are this second's answers."""

    exchange: Exchange
    clock: Clock
    keys: ApiKeys
    buckets: dict[str, TokenBucket]
    replay: Replay | None = None
    stats: Stats = field(default_factory=Stats)
    faults: FaultSwitch = field(default_factory=FaultSwitch)
    bodies: dict[tuple[str | int | None, ...], bytes] = field(default_factory=dict)
    bodies_at: int = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        raw_path, _, query = request.raw_path.partition("?")
        if raw_path.startswith("/sandbox/"):
            return await control(self, request, raw_path)
        if not raw_path.startswith(API):
            return refusal(not_found())
        found = find(raw_path)
        name = found[0].name if found else "unknown"
        self.stats.requests[name] += 1
        fault = self.faults.current(time.monotonic())
        if fault is None or not fault.hits(name):
            return self.answer(request, raw_path, query, found, time.time())
        arrived = time.time()

        async def answer() -> web.Response:
            return self.answer(request, raw_path, query, found, arrived)

        return await deliver(request, fault, answer)

    def answer(
        self,
        request: web.BaseRequest,
        raw_path: str,
        query: str,
        found: tuple[Operation, dict[str, str]] | None,
        arrived: float,
    ) -> web.Response:
        """The right answer; a signature is judged by the time its request arrived."""
        try:
            key = self.admit(request, raw_path, found, arrived)
            if raw_path.endswith("/"):
                return moved(raw_path, query)
            if found is None:
                raise not_found()
            permit(key, found[0], request.method)
            body = self.body(*found, raw_path, query, key)
        except ApiError as error:
            self.stats.rejected[str(error.status)] += 1
            return refusal(error)
        return web.Response(body=body, content_type="application/json")

    def admit(
        self,
        request: web.BaseRequest,
        raw_path: str,
        found: tuple[Operation, dict[str, str]] | None,
        arrived: float,
    ) -> ApiKey | None:
        """Check the signature and charge the account; the key, if there is one. Raises ApiError 401 or 429."""
        key = authenticate(self.keys, request.headers, request.method, raw_path, arrived * 1000)
        if key is None:
            self.stats.unsigned += 1
            if found is not None and found[0].signed:
                raise coded(401, "token_authentication_failure")
            return None
        cost = found[0].cost if found else 10
        if not self.buckets[key.account].take(cost, time.monotonic()):
            raise coded(429, "too_many_requests")
        self.stats.tokens_used += cost
        self.stats.tokens_by_account[key.account] += cost
        return key

    def body(
        self, operation: Operation, path: dict[str, str], raw_path: str, query: str, key: ApiKey | None
    ) -> bytes:
        """Recorded bytes, this second's bytes, or new ones."""
        recorded = self.replay.body(operation.name) if self.replay else None
        if recorded is not None:
            return recorded
        now_s = self.clock.now_s()
        if now_s != self.bodies_at or len(self.bodies) >= BODIES_KEPT:
            self.bodies.clear()
            self.bodies_at = now_s
        private = key if operation.signed else None
        account, bound = (private.account, private.subaccount) if private else (FIRST, None)
        question = (raw_path, query, account, bound)
        body = self.bodies.get(question)
        if body is None:
            pairs = parse_qsl(query, keep_blank_values=True)
            args = check(operation.operation_id, operation.params, path, pairs)
            refuse_other_subaccounts(bound, args, pairs)
            answer = operation.handler(self.exchange.view(now_s, account, bound), args)
            body = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
            self.bodies[question] = body
        return body


def permit(key: ApiKey | None, operation: Operation, method: str) -> None:
    """Judge the key's scopes; nothing can be written with any of them. Raises ApiError 403 or 405."""
    if method not in {"GET", "HEAD"}:
        if key is not None and not key.writes:
            raise coded(403, "permission_denied")
        raise coded(405, "method_not_allowed")
    if operation.signed and key is not None and not key.allows(*operation.scopes):
        raise coded(403, "permission_denied")


def refuse_other_subaccounts(bound: int | None, args: Args, pairs: Iterable[tuple[str, str]]) -> None:
    """A key bound to a subaccount may leave it out or name it. Raises ApiError 403."""
    named = any(name == "subaccount" and text for name, text in pairs)
    if bound is not None and named and args.number("subaccount") not in {None, bound}:
        raise coded(403, "permission_denied")


def make_front(exchange: Exchange, clock: Clock, keys: ApiKeys, replay: Replay | None) -> Front:
    tier = TIERS[exchange.tier]
    now = time.monotonic()
    buckets = {name: TokenBucket(tier.read_rate, tier.read_capacity, now) for name in exchange.accounts}
    exchange.keys = tuple(keys.values())
    return Front(exchange, clock, keys, buckets, replay)


def refusal(error: ApiError) -> web.Response:
    """A 429 has no `Retry-After`, as the real one has none."""
    body = json.dumps(error.body, separators=(",", ":")).encode()
    headers = NO_STORE if error.status == 429 else None
    return web.Response(status=error.status, body=body, content_type="application/json", headers=headers)


def moved(raw_path: str, query: str) -> web.Response:
    """A trailing slash: 301 to the path without."""
    target = raw_path.rstrip("/") + (f"?{query}" if query else "")
    return web.Response(status=301, headers={"Location": target})
