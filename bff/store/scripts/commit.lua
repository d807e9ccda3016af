--[[
COMMIT: compare-and-swap on the generation. The lease and its epoch do not matter, nor does a
rejection that stands its grace: a late holder carries the only valid successor. So it does when the
stored generation is older than the one that was refreshed: Redis has lost writes (a failover, an
older dump), and with them every token that came since.

ARGV[4]  the generation that was refreshed
ARGV[5]  names what is committed, so that a repetition is known as one
ARGV[6]  sealed access token    ARGV[7]  its life in ms, '' when not known
ARGV[8]  sealed refresh token   ARGV[9]  its life in ms, '' when not known, 'kept' for the old one
ARGV[10] sealed claims

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
if ARGV[9] ~= 'kept' then
    s.refresh_exp = expires(ARGV[9])
end
if ends_at(s) <= now then
    redis.call('DEL', key)
    redis.call('PUBLISH', channel, key)
    return {'GONE'}
end
-- First a write that Redis allows when its memory is full: it then lets the script finish. Memory
-- may have filled up since BEGIN, and these tokens cannot be had again.
redis.call('PEXPIREAT', key, text(ends_at(s)))
redis.call('HSET', key, 'gen', text(s.gen), 'commit', commit, 'access', ARGV[6],
    'access_exp', text(s.access_exp), 'refresh', ARGV[8], 'refresh_exp', text(s.refresh_exp),
    'claims', ARGV[10], 'state', 'idle', 'owner', '', 'lease', '0', 'backoff', '0', 'fails', '0',
    'ambiguous', '0', 'granted', text(now))
redis.call('PUBLISH', channel, key)
track()
return times('STORED', s)
