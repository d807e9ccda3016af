--[[
COMMIT: compare-and-swap on the generation. The lease and its epoch do not matter, nor does a
rejection that stands its grace: a late holder carries the only valid successor. So it does when the
stored generation is older than the one that was refreshed: Redis has lost writes (a failover, an
older dump), and with them every token that came since.

ARGV[4]  the generation that was refreshed
ARGV[5]  names what is committed, so that a repetition is known as one
ARGV[6]  what is sealed
ARGV[7]  the access token's life in ms, '' when not known
ARGV[8]  the refresh token's, 'kept' for the old one's

GONE     there is no such session: sign-out won
STALE    the generation had moved on without us
STORED   record without what is sealed
]]
local generation, commit = tonumber(ARGV[4]), ARGV[5]
local s = read()
if not s then
    return {'GONE'}
end
if s.gen == generation + 1 and s.commit == commit then
    return times('STORED', s)
end
if s.gen > generation then
    return {'STALE'}
end
s.gen, s.granted = generation + 1, now
s.access_exp = expires(ARGV[7])
if ARGV[8] ~= 'kept' then
    s.refresh_exp = expires(ARGV[8])
end
if ends_at(s) <= now then
    redis.call('DEL', key)
    redis.call('PUBLISH', channel, key)
    return {'GONE'}
end
-- First a write that Redis allows when its memory is full: it then lets the script finish. Memory
-- may have filled up since BEGIN, and these tokens cannot be had again.
redis.call('PEXPIREAT', key, text(ends_at(s)))
s.state, s.owner, s.commit, s.sealed = IDLE, NO_NAME, commit, ARGV[6]
s.lease, s.backoff, s.fails, s.ambiguous = 0, 0, 0, 0
write(s, 'KEEPTTL')
redis.call('PUBLISH', channel, key)
return times('STORED', s)
