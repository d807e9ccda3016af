--[[
The head of every script (the C side puts it in front): what a session's record holds, when it ends.

KEYS[1]  the session's key, the only one a script touches
ARGV[1]  idle limit, ARGV[2] absolute limit, both in ms
ARGV[3]  the channel on which the end of a refresh is told

A record is one string: the fields below, each in so many bytes, and what is sealed; record.c reads
the same. The state AT_REST is IDLE and says that nothing is left of any refresh. Times are
milliseconds since the epoch by this server's TIME, so no host's clock matters; lives come as
durations. An `..._exp` of 0 means that the end is not known.
Every script answers a list of strings, the first of which names the outcome.
]]
local key = KEYS[1]
local idle_ms, absolute_ms, channel = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local VERSION = 1
local AT_REST, IDLE, REFRESHING, REJECTED = 0, 1, 2, 3
--            version, state, gen, created, seen, granted, access_exp, refresh_exp, epoch,
--            commit, uid, device
local FIELDS = '>BBI4I6I6I6I6I6I7c8c16c2'
--             lease, backoff, ambiguous, fails, owner: only where one of them says something
local REFRESH = '>I6I6I6Bc8'
local NO_NAME = string.rep('\0', 8)
local FAILS_MAX = 255

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

-- What stands at the key, or nil when it is no record: there is nothing, or what others wrote.
local function stored()
    local value = redis.pcall('GET', key)
    if type(value) == 'table' and not string.find(value.err, 'WRONGTYPE', 1, true) then
        error(value.err)
    end
    if type(value) ~= 'string' or #value < struct.size(FIELDS) or value:byte() ~= VERSION then
        return nil
    end
    local is_whole = value:byte(2) == AT_REST or #value >= struct.size(FIELDS) + struct.size(REFRESH)
    return is_whole and value
end

-- The session, or nil when there is none or its time is over (limits may have been shortened
-- since its key was given its end).
local function read()
    local value = stored()
    if not value then
        return nil
    end
    local s, past, _ = {lease = 0, backoff = 0, ambiguous = 0, fails = 0, owner = NO_NAME}
    _, s.state, s.gen, s.created, s.seen, s.granted, s.access_exp, s.refresh_exp, s.epoch, s.commit,
        s.uid, s.device, past = struct.unpack(FIELDS, value)
    if s.state == AT_REST then
        s.state = IDLE
    else
        s.lease, s.backoff, s.ambiguous, s.fails, s.owner, past = struct.unpack(REFRESH, value, past)
    end
    s.sealed = value:sub(past)
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

local function packed(s)
    local state, refresh = s.state, ''
    if state == IDLE and s.backoff == 0 and s.ambiguous == 0 and s.fails == 0 then
        state = AT_REST
    else
        refresh = struct.pack(REFRESH, s.lease, s.backoff, s.ambiguous,
            math.min(s.fails, FAILS_MAX), s.owner)
    end
    return struct.pack(FIELDS, VERSION, state, s.gen, s.created, s.seen, s.granted, s.access_exp,
        s.refresh_exp, s.epoch, s.commit, s.uid, s.device) .. refresh .. s.sealed
end

-- `...`: what becomes of the key's end. A write makes Redis forget who reads this key (CLIENT
-- TRACKING), and NOLOOP keeps that from the writer: reading once more subscribes the connection again.
local function write(s, ...)
    redis.call('SET', key, packed(s), ...)
    redis.call('EXISTS', key)
end

local function write_with_end(s)
    write(s, 'PX', text(ends_at(s) - now))
end

local function expires(life)
    return life == '' and 0 or now + tonumber(life)
end

local function record(outcome, s)
    return {outcome, text(now), packed(s)}
end

-- The same without what the caller has just sent.
local function times(outcome, s)
    s.sealed = ''
    return record(outcome, s)
end
