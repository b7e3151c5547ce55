"""Single flight between processes: who fetches a key holds its lease in Redis.

A lease lasts LEASE_S and is renewed while the fetch runs, so a killed process delays nobody longer than that. The
others wait for the entry, not for the lease: `claim`, repeated, tells in one round trip whether the entry changed,
whether the fetch failed, or whether it is now one's own turn. A failure is remembered for FAILURE_S and belongs to
those who asked before it happened, so a storm on a failing key costs one fetch.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto

from kalshi.cache.entry import HEAD_BYTES
from kalshi.cache.policy import FORCED_INTERVAL_S
from kalshi.cache.told import from_text, to_text
from kalshi.keeper import Keeper
from kalshi.redis_link import NUMBER, PREFIX, RedisLink, RedisLost

LEASE_S = 3.0
RENEW_EVERY_S = 0.5
FAILURE_S = 5.0
TRIED_S = 10.0

# KEYS: lease, failure, entry, tried. ARGV: our token, lease ms, head of the entry we know, seconds since we were asked,
# epoch seconds of our clock, forced interval (0: not forced), ms to remember the attempt. What lasts longer than a
# lease, or for ever, is none, and so is a failure from ahead of Redis's clock, which was set back.
_CLAIM = f"""{NUMBER}
if redis.call('GETRANGE', KEYS[3], 0, {HEAD_BYTES - 1}) ~= ARGV[3] then return {{'changed'}} end
local failure = redis.call('GET', KEYS[2])
if failure then
  local time = redis.call('TIME')
  local at, told = string.match(failure, '^(%S+) (.*)$')
  at = number(at)
  local ago = at and time[1] + time[2] / 1e6 - at
  if ago and ago >= 0 and ago < tonumber(ARGV[4]) then return {{'failed', told}} end
end
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= tonumber(ARGV[2]) then return {{'held'}} end
local tried = number(redis.call('GET', KEYS[4]))
local since = tried and tonumber(ARGV[5]) - tried
if since and since >= 0 and since < tonumber(ARGV[6]) then return {{'recent'}} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[7])
return {{'ours'}}
"""
# KEYS: lease. ARGV: token, lease ms. A lease that an emptied Redis forgot is taken anew.
_RENEW = """
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
"""
# KEYS: lease. ARGV: token.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
# KEYS: failure. ARGV: what failed ('' for nothing), ms to remember it.
_TELL = """
if ARGV[1] == '' then return redis.call('DEL', KEYS[1]) end
local time = redis.call('TIME')
local at = string.format('%.6f', time[1] + time[2] / 1e6)
redis.call('SET', KEYS[1], at .. ' ' .. ARGV[1], 'PX', ARGV[2])
"""


class Turn(Enum):
    """OURS: fetch, under the lease. ALONE: fetch, Redis is lost. CHANGED: look at the entry again. HELD: another
    process fetches. RECENT: one was forced, or tried, too shortly before this forced fetch.
    """

    OURS = auto()
    ALONE = auto()
    CHANGED = auto()
    HELD = auto()
    RECENT = auto()


@dataclass(frozen=True, slots=True)
class Claim:
    """key; token: this flight's own word; forced: the fetch is wanted although the entry may be fresh."""

    key: str
    token: str
    forced: bool


class Leases:
    """The leases of this process. Thread-safe; raises nothing of Redis's."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._claim = link.script(_CLAIM)
        self._renew = link.script(_RENEW)
        self._release = link.script(_RELEASE)
        self._tell = link.script(_TELL)
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}
        self._keeper = Keeper("kalshi-leases", self._renew_all, every_s=RENEW_EVERY_S)

    def claim(self, claim: Claim, *, head: bytes, waited_s: float, now: float) -> Turn:
        """Whose turn it is. head: of the entry that the caller knows, b"" for none; waited_s: how long ago it was
        asked; now: epoch seconds. Raises the failure of a fetch that ended since it was asked.
        """
        names = self._names(claim.key, "lease", "failure", "", "tried")
        interval_s = FORCED_INTERVAL_S if claim.forced else 0
        numbers = [waited_s, repr(now), interval_s, int(TRIED_S * 1000)]
        try:
            said, *told = self._claim(names, [claim.token, int(LEASE_S * 1000), head, *numbers])
        except RedisLost:
            return Turn.ALONE
        if said == b"failed":
            raise from_text(told[0].decode(errors="replace"))
        turn = Turn[said.decode().upper()]
        if turn is Turn.OURS:
            with self._lock:
                self._held[names[0]] = claim.token
            self._keeper.wake()
        return turn

    def release(self, claim: Claim, error: BaseException | None = None) -> None:
        """The fetch ended; the entry, if it brought one, is stored already."""
        lease, failure = self._names(claim.key, "lease", "failure")
        with self._lock:
            self._held.pop(lease, None)
        told = "" if error is None else to_text(error)
        with suppress(RedisLost):
            self._tell([failure], [told, int(FAILURE_S * 1000)])
            self._release([lease], [claim.token])

    def close(self) -> None:
        """Let other processes fetch what is held here, at once."""
        self._keeper.close()
        with self._lock:
            held, self._held = self._held, {}
        for lease, token in held.items():
            with suppress(RedisLost):
                self._release([lease], [token])

    def _renew_all(self) -> bool:
        with self._lock:
            held = list(self._held.items())
        for lease, token in held:
            with suppress(RedisLost):
                self._renew([lease], [token, int(LEASE_S * 1000)])
                if self._held.get(lease) != token:  # released meanwhile: it must not come back to life
                    self._release([lease], [token])
        return bool(held)

    def _names(self, key: str, *kinds: str) -> list[str]:
        return [self._link.name(f"{PREFIX}:{kind}:{key}" if kind else key) for kind in kinds]
