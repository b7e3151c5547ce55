"""A breaker for all processes: BreakerState as a hash in Redis.

Times are Redis's own. The lease of a probe is short and renewed while the probe is out, so that a killed process holds
up nobody for long. When Redis is lost the breaker of this process takes over; it has heard of everything that this
process asked.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b

from kalshi.errors import BreakerOpen
from kalshi.keeper import Keeper
from kalshi.limits.breaker import CALLERS, FAILURES, OPEN_S, OPERATIONS, Breaker, Meaning, Position
from kalshi.limits.redis_clock import NOW
from kalshi.redis_link import NUMBER, PREFIX, RedisLink, RedisLost

LEASE_S = 3.0
RENEW_EVERY_S = 0.5
RENEW_FOR_S = 60.0
"""Longer than any probe."""
TTL_MS = 300_000

# A clock that was set back must not prolong anything: no time lies further ahead than it was set.
_STATE = f"""{NOW}{NUMBER}
local h = redis.call('HMGET', KEYS[1], 'failures', 'open_until', 'probe_until', 'faults', 'operations', 'callers')
local failures, faults = math.max(0, number(h[1]) or 0), math.max(0, number(h[4]) or 0)
local operations = h[5] or ''
local callers = h[6] or ''
local function has(words, word) return string.find(' ' .. words .. ' ', ' ' .. word .. ' ', 1, true) end
local function count(words) return select(2, string.gsub(words, '%S+', '')) end
local open_until, probe_until = number(h[2]), number(h[3])
open_until = open_until and math.min(open_until, now + {OPEN_S})
probe_until = probe_until and math.min(probe_until, now + {LEASE_S})
local function open_s() return string.format('%.6f', open_until and math.max(0, open_until - now) or 0) end
"""
# ARGV: clock, caller. Returns {{whether the caller is the probe, seconds to wait, seconds it stays open}}.
_ADMIT = f"""{_STATE}
if not open_until then return {{0, '0', '0'}} end
local failed = count(callers)
local is_other = failed > 0 and failed < {CALLERS} and not has(callers, ARGV[2])
if now < open_until and not is_other then return {{0, open_s(), open_s()}} end
if probe_until and now < probe_until then return {{0, '1', open_s()}} end
redis.call('HSET', KEYS[1], 'probe_until', string.format('%.6f', now + {LEASE_S}))
redis.call('PEXPIRE', KEYS[1], {TTL_MS})
return {{1, '0', open_s()}}
"""
# ARGV: clock, what it means, whether it was the probe, operation, caller (both words). As BreakerState.heard.
_REPORT = f"""{_STATE}
local what, probe, operation = ARGV[2], ARGV[3] == '1', ARGV[4]
if what == 'works' then
  redis.call('DEL', KEYS[1])
  return '0'
end
if what == 'nothing' or (what == 'answers' and not probe) then
  if probe then redis.call('HDEL', KEYS[1], 'probe_until') end
  return open_s()
end
if open_until and not probe then return open_s() end
local kinds = count(operations)
if what ~= 'answers' and count(callers) < {CALLERS} and not has(callers, ARGV[5]) then
  callers = callers .. ' ' .. ARGV[5]
end
if what == 'fails' then
  failures = failures + 1
elseif what == 'faults' then
  faults = faults + 1
  if kinds < {OPERATIONS} and not has(operations, operation) then
    operations, kinds = operations .. ' ' .. operation, kinds + 1
  end
end
if probe then
  redis.call('HDEL', KEYS[1], 'open_until', 'probe_until')
  open_until = nil
  if what ~= 'fails' then failures, faults = 0, math.min(faults, {FAILURES} - 1) end
end
redis.call('HSET', KEYS[1], 'failures', failures, 'faults', faults, 'operations', operations, 'callers', callers)
if (probe and what == 'fails') or failures + (kinds >= {OPERATIONS} and faults or 0) >= {FAILURES} then
  open_until = now + {OPEN_S}
  redis.call('HSET', KEYS[1], 'open_until', string.format('%.6f', open_until))
end
redis.call('PEXPIRE', KEYS[1], {TTL_MS})
return open_s()
"""
_RENEW = f"""{_STATE}
if probe_until then redis.call('HSET', KEYS[1], 'probe_until', string.format('%.6f', now + {LEASE_S})) end
"""
_LOOK = f"""{_STATE}
if not open_until then return 'closed' end
return now < open_until and 'open' or 'half_open'
"""


class SharedBreaker:
    """Thread-safe. name: whose, for the key; local: for when Redis is lost. clock: None for Redis's."""

    def __init__(
        self,
        link: RedisLink,
        name: str,
        local: Breaker,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._name = link.name(f"{PREFIX}:breaker:{name}")
        self._local = local
        self._clock = clock
        self._refusal = local.refusal
        self._admit, self._report = link.script(_ADMIT), link.script(_REPORT)
        self._look, self._renew = link.script(_LOOK), link.script(_RENEW)
        self._open_until = 0.0
        self._probing_until = 0.0  # while a probe of this process is out
        self._keeper = Keeper("kalshi-probe", self._renew_probe, every_s=RENEW_EVERY_S, idle_turns=1)

    def admit(self, caller: str = "") -> bool:
        """Whether this caller is the probe. BreakerOpen with retry_after_s when it must not ask."""
        try:
            probe, wait_s, open_s = self._admit([self._name], [self._now(), _word(caller)])
        except RedisLost:
            return self._local.admit(caller)
        self._heard(float(open_s))
        if float(wait_s) > 0:
            raise BreakerOpen(self._refusal, retry_after_s=float(wait_s))
        if probe:
            self._probing_until = time.monotonic() + RENEW_FOR_S
            self._keeper.wake()
        return bool(probe)

    def release(self, *, probe: bool) -> None:
        """The admitted request was not sent."""
        self._local.release(probe=probe)
        if probe:
            self._tell("nothing", "", "", probe=True)

    def report(self, what: Meaning, operation: str, *, probe: bool, caller: str = "") -> None:
        """What became of an admitted request of this operation."""
        self._local.report(what, operation, probe=probe, caller=caller)
        self._tell(what, operation, caller, probe=probe)

    def snapshot(self) -> Position:
        """For `status` and the metrics. Asks Redis."""
        try:
            found = self._look([self._name], [self._now()]).decode()
        except RedisLost:
            return self._local.snapshot()
        return "open" if found == "open" else "half_open" if found == "half_open" else "closed"

    def is_open(self) -> bool:
        """Whether it is open, as far as this process has heard; never waits."""
        return time.monotonic() < self._open_until or self._local.is_open()

    def close(self) -> None:
        """Renew no probe any more."""
        self._keeper.close()

    def _tell(self, what: Meaning, operation: str, caller: str, *, probe: bool) -> None:
        if probe:
            self._probing_until = 0.0
        with suppress(RedisLost):
            told = [self._now(), what, int(probe), operation, _word(caller)]
            self._heard(float(self._report([self._name], told)))

    def _renew_probe(self) -> bool:
        if time.monotonic() >= self._probing_until:
            return False
        with suppress(RedisLost):
            self._renew([self._name], [self._now()])
        return True

    def _heard(self, open_s: float) -> None:
        self._open_until = time.monotonic() + open_s

    def _now(self) -> str:
        return "" if self._clock is None else repr(self._clock())


def _word(caller: str) -> str:
    """What a caller is called in Redis."""
    return blake2b(caller.encode(), digest_size=8).hexdigest()
