"""What Kalshi says about the account's budget: /account/limits and /account/endpoint_costs. Pure.

Both readers are tolerant: a missing or odd field keeps its old value, odd rows are left out, and the names of what
could not be read are returned for the log. Numbers that cannot be true count as odd.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from kalshi.upstream import documents
from kalshi.upstream.documents import Number
from kalshi.upstream.error_bodies import cleaned

API_PREFIX = "/trade-api/v2"
MAX_TIER = 40
"""Letters of a tier's name, which stands in logs, on pages and in every status."""
MIN_LIMIT, MAX_LIMIT = 100.0, 100_000.0
"""Tokens. The lowest tier has 200, the highest 12,000."""
MIN_COST, MAX_COST = 1.0, MIN_LIMIT
"""Tokens. Kalshi's requests cost 2 to 50. No cost is above any limit, so whatever is believed, a request a second can
be made; and none is free, so that a budget remains.
"""
MAX_BYTES = 256 * 1024
"""A longer answer counts as one without fields: what is learned from it would be kept as long as the process lives."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The account's read bucket, before any share. Until learned: the lowest tier at its smallest seen."""

    tier: str | None = None
    refill_per_s: float = 200.0
    capacity: float = 200.0

    def learn(self, body: bytes) -> tuple[Self, list[str]]:
        """(what is granted now, what could not be read)."""
        payload = _object(body)
        read = payload.get("read")
        read = read if isinstance(read, dict) else {}
        tier = payload.get("usage_tier")
        tier = cleaned(tier)[:MAX_TIER] or None
        refill = _number(read.get("refill_rate"), MIN_LIMIT, MAX_LIMIT)
        capacity = _number(read.get("bucket_capacity"), MIN_LIMIT, MAX_LIMIT)
        found = {"usage_tier": tier, "read.refill_rate": refill, "read.bucket_capacity": capacity}
        granted = type(self)(tier or self.tier, refill or self.refill_per_s, capacity or self.capacity)
        return granted, [name for name, value in found.items() if not value]


@dataclass(frozen=True, slots=True)
class CostTable:
    """Tokens per request. default: without a route, None while unknown; routes: (pattern segments, cost)."""

    default: float | None = None
    routes: tuple[tuple[tuple[str, ...], float], ...] = ()

    def learn(self, body: bytes) -> tuple[Self, list[str]]:
        """(the table now, what could not be read)."""
        payload = _object(body)
        default = _number(payload.get("default_cost"), MIN_COST, MAX_COST)
        faults = [] if default is not None else ["default_cost"]
        default = self.default if default is None else default
        rows = payload.get("endpoint_costs")
        if not isinstance(rows, list):
            return type(self)(default, self.routes), [*faults, "endpoint_costs"]
        routes = []
        for index, row in enumerate(rows):
            route = _route(row)
            if route is None:
                faults.append(f"endpoint_costs[{index}]")
            elif row.get("method", "GET") == "GET":
                routes.append(route)
        routes.sort(key=lambda route: [_rank(segment) for segment in route[0]])
        return type(self)(default, tuple(routes)), faults

    def cost(self, path: str, otherwise: float) -> float:
        """Cost of a GET. path: as in the endpoint table, "/markets/{ticker}"; the most exact pattern decides.

        otherwise: for a path without a pattern while the default is unknown.
        """
        segments = _segments(path)
        for pattern, cost in self.routes:
            if _matches(pattern, segments):
                return cost
        return otherwise if self.default is None else self.default


def _object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in `body`; empty, so that every field counts as missing, when it is none."""
    if len(body) > MAX_BYTES:
        return {}
    try:
        payload = documents.read(body)
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _number(value: object, minimum: float, maximum: float) -> float | None:
    """A number between the two, or None; True and False are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | Number):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if minimum <= number <= maximum else None


def _route(row: object) -> tuple[tuple[str, ...], float] | None:
    if not isinstance(row, dict):
        return None
    path, cost = row.get("path"), _number(row.get("cost"), MIN_COST, MAX_COST)
    if not isinstance(path, str) or cost is None:
        return None
    return _segments(path.removeprefix(API_PREFIX)), cost


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


def _rank(segment: str) -> int:
    """Literals before one-segment placeholders before patterns for the rest of the path."""
    if segment.startswith(":"):
        return 1
    return 2 if "*" in segment else 0


def _matches(pattern: Iterable[str], segments: tuple[str, ...]) -> bool:
    """`:name` stands for one segment, `*name` for all that are left, `text*` for what begins like that."""
    rest = list(segments)
    for part in pattern:
        if "*" in part:
            start = part.split("*")[0]
            return not start or bool(rest and rest[0].startswith(start))
        if not rest or not (part.startswith(":") or part == rest[0]):
            return False
        rest.pop(0)
    return not rest
