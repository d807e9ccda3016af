--[[
CREATE: a new session, generation 1. Never replaces one.

ARGV[4]  sealed access token    ARGV[5]  its life in ms, '' when not known
ARGV[6]  sealed refresh token   ARGV[7]  its life in ms, '' when not known
ARGV[8]  name of the user       ARGV[9]  sealed claims

EXISTS   the key is taken
ENDED    the tokens' life is over already; nothing is stored
CREATED  record without what is sealed
]]
if redis.call('EXISTS', key) == 1 then
    return {'EXISTS'}
end
local s = {
    gen = 1, created = now, seen = now, granted = now, access_exp = expires(ARGV[5]), refresh_exp = expires(ARGV[7]),
}
if ends_at(s) <= now then
    return {'ENDED'}
end
redis.call('HSET', key, 'gen', '1', 'access', ARGV[4], 'access_exp', text(s.access_exp),
    'refresh', ARGV[6], 'refresh_exp', text(s.refresh_exp), 'uid', ARGV[8], 'claims', ARGV[9],
    'created', text(now), 'seen', text(now), 'granted', text(now), 'state', 'idle', 'owner', '', 'epoch', '0',
    'lease', '0', 'backoff', '0', 'fails', '0', 'ambiguous', '0', 'commit', '')
redis.call('PEXPIREAT', key, text(ends_at(s)))
track()
return times('CREATED', s)
