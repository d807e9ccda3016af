--[[
FAIL: the backend could not say. Give the lease back and let nobody try for a while: `least` doubled
with every failure in a row, up to `most`, less a random part so that sessions that failed together
do not come back together.

ARGV[4]  generation             ARGV[5]  epoch of the lease
ARGV[6]  least, ARGV[7] most back-off in ms
ARGV[8]  thousandths of the back-off to take off

SUPERSEDED  generation or epoch moved on, or the session is gone: nothing is done
BACKOFF     ms
]]
local least, most = tonumber(ARGV[6]), tonumber(ARGV[7])
local s = read()
if not s or s.gen ~= tonumber(ARGV[4]) or s.epoch ~= tonumber(ARGV[5])
    or s.state ~= REFRESHING then
    return {'SUPERSEDED'}
end
local wait = math.min(most, least * 2 ^ math.min(s.fails, 30))
wait = math.max(1, math.floor(wait - wait * tonumber(ARGV[8]) / 1000))
-- `ambiguous` stays: an earlier holder may still be on its way.
s.state, s.owner, s.lease = IDLE, NO_NAME, 0
s.fails, s.backoff = s.fails + 1, now + wait
write(s, 'KEEPTTL')
redis.call('PUBLISH', channel, key)
return {'BACKOFF', text(wait)}
