"""What arrived, what it cost and what was refused."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Stats:
    """`requests` counts arrivals by operation, also when a fault hits; `rejected` only the exchange's own refusals."""

    requests: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    tokens_used: int = 0
    tokens_by_account: Counter[str] = field(default_factory=Counter)
    unsigned: int = 0

    def body(self) -> dict[str, Any]:
        return {
            "requests": dict(self.requests),
            "tokens_used": self.tokens_used,
            "tokens_by_account": dict(self.tokens_by_account),
            "unsigned": self.unsigned,
            "rejected": {"401": 0, "429": 0} | dict(self.rejected),
        }
