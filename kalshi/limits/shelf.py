"""What one process learned about the account's limits, for all others: one asks Kalshi, everybody reads here."""

import base64
import json
import math
from dataclasses import dataclass
from secrets import token_hex
from typing import cast

from kalshi.redis_link import PREFIX, RedisLink

LEARNED_TTL_S = 86_400
CLAIM_S = 30
"""A process that was killed while it asked is replaced after this."""

# KEYS: claim. ARGV: token, seconds. What lasts longer than a claim, or for ever, is none.
_CLAIM = """
local left = redis.call('TTL', KEYS[1])
if left >= 0 and left <= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


@dataclass(frozen=True, slots=True)
class Learned:
    """Answers as received. at: epoch seconds; limits: /account/limits, None when it cannot be asked; costs:
    /account/endpoint_costs.
    """

    at: float
    limits: bytes | None
    costs: bytes

    def to_text(self) -> str:
        limits = None if self.limits is None else _text(self.limits)
        return json.dumps({"at": self.at, "limits": limits, "costs": _text(self.costs)})

    @classmethod
    def from_text(cls, text: bytes) -> "Learned | None":
        """None for anything that `to_text` did not write."""
        try:
            found = json.loads(text)
            at = float(found["at"])
            if not math.isfinite(at):
                return None
            limits = None if found["limits"] is None else base64.b64decode(found["limits"])
            return cls(at, limits, base64.b64decode(found["costs"]))
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None


class Shelf:
    """Thread-safe. account: what the account is called in keys. Raises RedisLost."""

    def __init__(self, link: RedisLink, account: str) -> None:
        self._link = link
        self._learned = link.name(f"{PREFIX}:learned:{account}")
        self._claim = link.name(f"{PREFIX}:learning:{account}")
        self._take = link.script(_CLAIM)

    def get(self) -> Learned | None:
        """What was learned last, by any process."""
        text = self._link.call(lambda redis: redis.get(self._learned), self._learned)
        return None if text is None else Learned.from_text(cast(bytes, text))

    def put(self, learned: Learned) -> None:
        """Share it, and let the next process ask when it is due."""
        self._link.call(lambda redis: redis.set(self._learned, learned.to_text(), ex=LEARNED_TTL_S))
        self._link.call(lambda redis: redis.delete(self._claim))

    def claim(self) -> bool:
        """Whether it is this process's turn to ask. After a failure nobody asks again before CLAIM_S are over."""
        return bool(self._take([self._claim], [token_hex(8), CLAIM_S]))


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode()
