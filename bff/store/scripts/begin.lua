--[[
BEGIN: ask to refresh. Writes the intent before the backend is called: a Redis that takes no writes
fails here, and no rotation is spent on it.

ARGV[4]  the generation whose access token is of no use; 0: whatever is stored
ARGV[5]  names this attempt, so that a repetition is known as one
ARGV[6]  lease in ms
ARGV[7]  grace in ms            ARGV[8]  longest wait to tell, in ms

NONE      there is no such session
FRESH     record: the generation has moved on
BUSY      ms: another holder is at it, or a rejection stands its grace
BACKOFF   ms: the backend failed just now
REJECTED  name of the user: a rejection stood its grace; the session is deleted
GO        record; the same again for an attempt that has the lease
]]
local seen, attempt = tonumber(ARGV[4]), ARGV[5]
local lease_ms, grace_ms, longest = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local function busy(until_ms)
    return {'BUSY', text(math.min(until_ms - now, longest))}
end

local s = read()
if not s then
    return {'NONE'}
end
if seen ~= 0 and s.gen ~= seen then
    return record('FRESH', s)
end
if s.state == REJECTED then
    if s.ambiguous > now then
        return busy(s.ambiguous)
    end
    redis.call('DEL', key)
    redis.call('PUBLISH', channel, key)
    return {'REJECTED', s.uid}
end
if s.state == REFRESHING then
    if s.lease > now then
        if s.owner ~= attempt then
            return busy(s.lease)
        end
        -- The answer was lost on its way, so nothing has begun yet: the lease counts from now.
        s.lease = now + lease_ms
        write(s, 'KEEPTTL')
        return record('GO', s)
    end
    -- Whoever let the lease run out may have been granted the only valid successor and may still
    -- bring it: a rejection in this generation has to wait for that.
    s.ambiguous = now + grace_ms
elseif s.backoff > now then
    return {'BACKOFF', text(s.backoff - now)}
end
-- The clock, and no mere count: a Redis that lost writes would count the same again, and a verdict
-- on a lease that it forgot would be taken for one on a later lease.
s.epoch = math.max(s.epoch + 1, time[1] * 1000000 + time[2])
s.state, s.owner, s.lease = REFRESHING, attempt, now + lease_ms
write(s, 'KEEPTTL')
return record('GO', s)
