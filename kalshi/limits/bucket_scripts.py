"""The lane of lane.py as a hash in Redis, and the windows of window.py as sorted sets: one script, one round trip.

The rules are those of the pure modules, and one suite of tests runs over both. Amounts travel as text: Redis cuts a
script's numbers to whole ones. No time is believed that lies ahead of the clock, so that a clock that is set back
stops no refill, and no number that the bucket cannot have.
"""

from kalshi.limits.bucket import ROUNDING
from kalshi.limits.lane import BACKGROUND_SHARE
from kalshi.limits.redis_clock import NOW
from kalshi.limits.throttle import EPISODE_S, FLOOR, RECOVERY_S
from kalshi.limits.use import CALM, HIGH, MEMORY_S
from kalshi.limits.window import ROUNDING_S
from kalshi.redis_link import NUMBER

START_PART = 0.25
"""Of the capacity, in a bucket that Redis knows nothing of: after a restart it may have been spent just before."""
TTL_MS = 86_400_000
MINUTE_TTL_MS = 120_000
FARTHEST_S = 120
"""Nobody reserves so far ahead: a due time beyond it was noted before the clock was set back."""

# KEYS: lane. ARGV: clock, capacity, refill per second, both of our share. Fills up to `now`.
_FILL = f"""{NOW}{NUMBER}
local capacity, refill = tonumber(ARGV[2]), tonumber(ARGV[3])
local h = redis.call('HMGET', KEYS[1], 'at', 'level', 'back', 'start', 'since', 'used', 'high')
local at = math.min(number(h[1]) or now, now)
local lowest = -capacity - refill * {FARTHEST_S}
local level = math.max(lowest, number(h[2]) or capacity * {START_PART})
local back = math.max(lowest, number(h[3]) or level * {BACKGROUND_SHARE})
local start = math.max({FLOOR}, math.min(1, number(h[4]) or 1))
local since = number(h[5]) or now - {RECOVERY_S}
if since > now + {EPISODE_S} then since = now - {RECOVERY_S} end
local used, high = math.max(0, number(h[6]) or 0), h[7] == '1'
local function factor(moment)
  if moment - since >= {RECOVERY_S} then return 1 end
  return start + (1 - start) * math.max(0, moment - since) / {RECOVERY_S}
end
local gain = (now - at) * refill * factor(at)
level = math.min(capacity, level + gain)
back = math.min(capacity * {BACKGROUND_SHARE}, back + gain * {BACKGROUND_SHARE})
local function text(number) return string.format('%.9f', number) end
local function save(...)
  redis.call('HSET', KEYS[1], 'at', text(now), 'level', text(level), 'back', text(back), ...)
  redis.call('PEXPIRE', KEYS[1], {TTL_MS})
end
"""
# KEYS: lane, minute, minute of background work. ARGV further: cost, background, longest wait in seconds, caps per
# minute of all and of background work (0: none), a word for this request.
# Returns {"go" | "wait" | "late", seconds to wait, whether an episode of high use begins}.
TAKE = f"""{_FILL}
local cost, background, longest = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6])
local speed = factor(now)
local function due_in(level, capacity, refill)
  local missing = math.min(cost, capacity) - level
  return missing > {ROUNDING} and missing / (refill * speed) or 0
end
local wait = due_in(level, capacity, refill)
if background then
  wait = math.max(wait, due_in(back, capacity * {BACKGROUND_SHARE}, refill * {BACKGROUND_SHARE}))
end
local windows = {{}}
if tonumber(ARGV[7]) > 0 then
  windows[1] = {{KEYS[2], tonumber(ARGV[7])}}
  if background then windows[2] = {{KEYS[3], tonumber(ARGV[8])}} end
end
for _, window in ipairs(windows) do
  redis.call('ZREMRANGEBYSCORE', window[1], text(now + {FARTHEST_S}), '+inf')
  local last = redis.call('ZRANGE', window[1], -window[2], -window[2], 'WITHSCORES')
  if last[2] then
    local free = tonumber(last[2]) + 60 - now
    if free > {ROUNDING_S} then wait = math.max(wait, free) end
  end
end
if wait > longest then return {{'late', text(wait), 0}} end
if background and wait > 0 then return {{'wait', text(wait), 0}} end
level = level - cost
if background then back = back - cost end
for _, window in ipairs(windows) do
  redis.call('ZREMRANGEBYSCORE', window[1], '-inf', text(now - 60))
  redis.call('ZADD', window[1], text(now + wait), ARGV[9])
  redis.call('PEXPIRE', window[1], math.ceil({MINUTE_TTL_MS} + wait * 1000))
end
used = used * math.exp(-(now - at) / {MEMORY_S}) + cost
local is_high = used / {MEMORY_S} / refill > (high and {CALM} or {HIGH})
save('used', text(used), 'high', is_high and '1' or '0')
return {{'go', text(wait), is_high and not high and 1 or 0}}
"""
# Returns the part of the rate that is left.
LIMITED = f"""{_FILL}
if now - since >= {EPISODE_S} then
  start = math.max({FLOOR}, factor(now) / 2)
  since = now
end
level = math.min(level, 0)
back = math.min(back, 0)
save('start', text(start), 'since', text(since))
return text(factor(now))
"""
# Returns {level, part of the rate that may be used}.
LOOK = f"""{_FILL}
return {{text(level), text(factor(now))}}
"""
