"""The clock of the scripts: Redis's own, in seconds with microseconds, so that clocks of processes do not matter.

ARGV[1] is "" for that, or the time of a test's clock.
"""

NOW = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1e6
end
"""
