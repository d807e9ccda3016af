--[[
CREATE: a new session, generation 1. Never replaces one.

ARGV[4]  what is sealed
ARGV[5]  the access token's life in ms, ARGV[6] the refresh token's; '' when not known
ARGV[7]  name of the user, ARGV[8] the device

EXISTS   the key is taken
ENDED    the tokens' life is over already; nothing is stored
CREATED  record without what is sealed
]]
if redis.call('EXISTS', key) == 1 then
    return {'EXISTS'}
end
local s = {
    state = IDLE, gen = 1, created = now, seen = now, granted = now, access_exp = expires(ARGV[5]),
    refresh_exp = expires(ARGV[6]), epoch = 0, lease = 0, backoff = 0, ambiguous = 0, fails = 0,
    owner = NO_NAME, commit = NO_NAME, uid = ARGV[7],
    device = ARGV[8], sealed = ARGV[4],
}
if ends_at(s) <= now then
    return {'ENDED'}
end
write_with_end(s)
return times('CREATED', s)
