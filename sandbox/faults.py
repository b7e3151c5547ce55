"""The fault that is set: its description, whom it hits, when it ends. Pure but for the event that tells its end."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

MODES = ("down", "reset", "hang", "slow", "latency", "garbage", "truncate", "status")
FIELDS = ("mode", "status", "latency_ms", "rate", "operations", "for_s")


class FaultError(Exception):
    """A bad description; the text says what is allowed."""


@dataclass(slots=True)
class Fault:
    """`until` is monotonic, None for ever; `healed` is set once the fault is gone."""

    mode: str
    status: int = 503
    latency_ms: float = 800
    rate: float = 1.0
    operations: tuple[str, ...] = ()
    for_s: float | None = None
    until: float | None = None
    seen: int = 0
    healed: asyncio.Event = field(default_factory=asyncio.Event)

    def hits(self, operation: str) -> bool:
        """Whether the next request is hit: exactly the share `rate` of those in question, evenly spread."""
        if self.operations and operation not in self.operations:
            return False
        self.seen += 1
        return int(self.seen * self.rate) > int((self.seen - 1) * self.rate)

    def body(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "status": self.status,
            "latency_ms": self.latency_ms,
            "rate": self.rate,
            "operations": list(self.operations),
            "for_s": self.for_s,
        }


def parse(described: object, known: Collection[str], now: float) -> Fault:
    """A fault from its JSON description. Raises FaultError."""
    if not isinstance(described, Mapping):
        raise FaultError('A fault is a JSON object such as {"mode": "down"}.')
    unknown = sorted(set(described) - set(FIELDS))
    if unknown:
        raise FaultError(f"Unknown field {unknown[0]!r}; allowed are {', '.join(FIELDS)}.")
    mode = described.get("mode")
    if mode not in MODES:
        raise FaultError(f"The mode must be one of {', '.join(MODES)}, not {mode!r}.")
    for_s = described.get("for_s")
    for_s = None if for_s is None else number(described, "for_s", 0, 0, 86_400)
    return Fault(
        mode,
        int(number(described, "status", 503, 300, 599)),
        number(described, "latency_ms", 800, 0, 600_000),
        number(described, "rate", 1.0, 0, 1),
        operations(described.get("operations"), known),
        for_s,
        None if for_s is None else now + for_s,
    )


def number(described: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = described.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise FaultError(f"{name} must be a number from {low} to {high}, not {value!r}.")
    return value


def operations(names: object, known: Collection[str]) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FaultError('operations must be a list of names such as ["get_balance"].')
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise FaultError(f"Unknown operation {unknown[0]!r}; allowed are {', '.join(sorted(known))}.")
    return tuple(names)


class FaultSwitch:
    """Holds at most one fault."""

    def __init__(self) -> None:
        self.fault: Fault | None = None

    def current(self, now: float) -> Fault | None:
        if self.fault is not None and self.fault.until is not None and now >= self.fault.until:
            self.set(None)
        return self.fault

    def set(self, fault: Fault | None) -> None:
        """Replace or remove; whoever waits for the old one's end goes on."""
        if self.fault is not None:
            self.fault.healed.set()
        self.fault = fault
