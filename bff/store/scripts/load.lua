--[[
LOAD: read a session, and write its activity down when that is due.

ARGV[4]  touch when the last touch is at least this many ms ago; -1: never

NONE     there is none
FOUND    record
]]
local touch_ms = tonumber(ARGV[4])
local s = read()
if not s then
    return {'NONE'}
end
if touch_ms >= 0 and now - s.seen >= touch_ms then
    -- pcall: a Redis that is full or read-only still answers who is signed in.
    local written = redis.pcall('HSET', key, 'seen', text(now))
    if type(written) == 'number' then
        s.seen = now
        redis.call('PEXPIREAT', key, text(ends_at(s)))
        track()
    end
end
return record('FOUND', s)
