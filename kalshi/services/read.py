"""Read one upstream operation through the cache: the way every caller, HTTP or Python, gets data."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connections

from kalshi import conf
from kalshi.cache.keys import cache_key
from kalshi.cache.policy import Policy
from kalshi.cache.readthrough import Answer
from kalshi.errors import EndpointOff, NoCredentials
from kalshi.request_id import REQUEST_ID
from kalshi.services import engine
from kalshi.upstream.params import Call

# Retries share one total with the first attempt; a second more lets a fetch that ends just then still count.
SPARE_S = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer, its cache key, and the endpoint settings under which it was given."""

    key: str
    answer: Answer
    options: conf.EndpointOptions


def key_of(call: Call) -> str:
    """The cache key of a call for the configured environment, host, account and key."""
    return cache_key(
        engine.current().scope, call.endpoint.operation, call.endpoint.signed, call.path, call.params
    )


def read(call: Call, *, forced: bool = False) -> Reading:
    """Answer from the cache, else from Kalshi, else with a stale copy.

    forced: ask Kalshi even when the copy is fresh. Raises the tree of kalshi.errors; blocks at most the upstream
    deadline, or the endpoint's patience when a stale copy exists.
    """
    options = conf.current().endpoints[call.endpoint.operation]
    if not options.enabled:
        raise EndpointOff(
            f"The endpoint {call.endpoint.name or call.endpoint.operation} is switched off in its settings."
        )
    running = engine.current()
    if call.endpoint.signed and not running.can_sign:
        raise NoCredentials("No Kalshi credentials are configured on the server.")
    request_id = REQUEST_ID.get()

    def load() -> tuple[int, bytes]:
        fetched = running.client.fetch(call, request_id=request_id)
        running.limits.learn_soon()
        return fetched.status, fetched.body

    key = key_of(call)
    running.last_keys[call.endpoint.operation] = key
    answer = running.cache.read(
        key,
        Policy(options.fresh_s, options.keep_s, options.patience_s),
        load,
        pool=call.endpoint.operation,
        wait_s=running.setup.timeout_s + SPARE_S,
        forced=forced,
        before_wait=release_database,
    )
    return Reading(key, answer, options)


def release_database() -> None:
    """Give the caller's database connections back; waiting for Kalshi may take seconds."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
