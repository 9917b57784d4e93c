"""What Redis does at once, in Lua, by its own clock: each process has one of its own."""

from __future__ import annotations

from typing import Final

REPLACE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
"""
"""Key; old value, new value, seconds or nothing."""

COUNT: Final = """
local number = redis.call('INCR', KEYS[1])
if number == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return number
"""
"""Key; seconds."""

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""

JOIN: Final = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], string.format('%.6f', now + ARGV[2]), ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], math.ceil(last[2] * 1000))
"""
)
"""Key; member, seconds. The set is sorted by the members' ends, in seconds since 1970."""

MEMBERS: Final = (
    _NOW
    + """
return redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.6f', now), '+inf', 'BYSCORE')
"""
)
"""Key."""

USE: Final = (
    _NOW
    + """
local behind = {}
for i, key in ipairs(KEYS) do
  local interval, window, uses = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local at = math.max(tonumber(redis.call('GET', key) or 0), now) + uses * interval
  at = math.min(at, now + window)
  redis.call('SET', key, string.format('%.6f', at), 'PX', math.ceil((at - now) * 1000))
  behind[i] = string.format('%.6f', at - now)
end
return behind
"""
)
"""`RateLimiter.count`. Keys; for each the interval, the window and the uses."""
