--[[
REJECT: the backend says that the refresh token is dead. Only the holder of the newest lease may end
the session, and not while an earlier holder may still bring a success.

ARGV[4]  generation             ARGV[5]  epoch of the lease

SUPERSEDED  generation or epoch moved on, or the session is gone
WAIT        ms: the rejection stands, and ends the session at the next BEGIN after that
ENDED       name of the user: the session is deleted
]]
local s = read()
if not s or s.gen ~= tonumber(ARGV[4]) or s.epoch ~= tonumber(ARGV[5]) or s.state == IDLE then
    return {'SUPERSEDED'}
end
if s.ambiguous > now then
    s.state, s.owner, s.lease = REJECTED, NO_NAME, 0
    write(s, 'KEEPTTL')
    redis.call('PUBLISH', channel, key)
    return {'WAIT', text(s.ambiguous - now)}
end
redis.call('DEL', key)
redis.call('PUBLISH', channel, key)
return {'ENDED', s.uid}
