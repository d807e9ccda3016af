--[[
The head of every script (the C side puts it in front): what a session's hash holds, when it ends.

KEYS[1]  the session's key, the only one a script touches
ARGV[1]  idle limit, ARGV[2] absolute limit, both in ms
ARGV[3]  the channel on which the end of a refresh is told

Times in the hash are milliseconds since the epoch by this server's TIME, so no host's clock
matters; lives come as durations. An `..._exp` of 0 means that the end is not known.
Every script answers a list of strings, the first of which names the outcome.
]]
local key = KEYS[1]
local idle_ms, absolute_ms, channel = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local NAMES = {'gen', 'access', 'access_exp', 'refresh', 'refresh_exp', 'uid', 'claims', 'created',
    'seen', 'state', 'epoch', 'lease', 'backoff', 'fails', 'ambiguous', 'commit', 'granted'}
local COUNTS = {'gen', 'access_exp', 'refresh_exp', 'created', 'seen', 'epoch', 'lease', 'backoff',
    'fails', 'ambiguous', 'granted'}

-- The longest that any option gives a lease, a back-off or a grace. Who ends later than that was
-- given it by this server's clock before it was set back.
local LONGEST_MS = 600000

local function text(n)
    return string.format('%.0f', n)
end

local function ends_at(s)
    local at = math.min(s.created + absolute_ms, s.seen + idle_ms)
    if s.refresh_exp > 0 then
        at = math.min(at, s.refresh_exp)
    end
    return at
end

-- The session, or nil when there is none or its time is over (limits may have been shortened
-- since its key was given its end).
local function read()
    local values = redis.call('HMGET', key, unpack(NAMES))
    if not values[1] then
        return nil
    end
    local s = {}
    for i, name in ipairs(NAMES) do
        s[name] = values[i] or ''
    end
    for _, name in ipairs(COUNTS) do
        s[name] = tonumber(s[name]) or 0
    end
    for _, name in ipairs({'lease', 'backoff', 'ambiguous'}) do
        if s[name] > now + LONGEST_MS then
            s[name] = 0
        end
    end
    if ends_at(s) <= now then
        return nil
    end
    return s
end

-- A write makes Redis forget who reads this key (CLIENT TRACKING), and NOLOOP keeps that from the
-- writer: reading once more subscribes the connection again.
local function track()
    redis.call('HEXISTS', key, 'gen')
end

local function expires(life)
    return life == '' and 0 or now + tonumber(life)
end

local function record(outcome, s)
    return {outcome, text(now), text(s.gen), s.access, text(s.access_exp), s.refresh,
        text(s.refresh_exp), s.claims, text(s.created), text(s.seen), text(s.granted)}
end

-- The same without what the caller has just sent.
local function times(outcome, s)
    s.access, s.refresh, s.claims = '', '', ''
    return record(outcome, s)
end

